package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ringfence/internal/awsquery"
)

// defaultProfile is what AWS's clients read when no profile is named.
const defaultProfile = "default"

// readProfile returns a profile's key from a daemon's credentials file.
func readProfile(dataDir, profile string) (awsquery.Key, error) {
	keys, names, err := readCredentials(dataDir)
	if err != nil {
		return awsquery.Key{}, err
	}
	key := keys[profile]
	if key.Access == "" || key.Secret == "" {
		return awsquery.Key{}, fmt.Errorf("%s has no keys for the profile %q: it has the profiles %s",
			credentialsPath(dataDir), profile, strings.Join(names, ", "))
	}
	return key, nil
}

func credentialsPath(dataDir string) string { return filepath.Join(dataDir, "credentials") }

// readCredentialFile reads the file of AWS_CREDENTIAL_FILE, which has the lines
// AWSAccessKeyId=… and AWSSecretKey=… (ELB Developer Guide 2012, "Installing the
// command line interface"). No name is no file, and no key.
func readCredentialFile(path string) (key awsquery.Key, err error) {
	if path == "" {
		return key, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return key, fmt.Errorf("read credentials: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(name) {
		case "AWSAccessKeyId":
			key.Access = strings.TrimSpace(value)
		case "AWSSecretKey":
			key.Secret = strings.TrimSpace(value)
		}
	}
	if key.Access == "" || key.Secret == "" {
		return key, fmt.Errorf("%s has no lines AWSAccessKeyId=… and AWSSecretKey=…", path)
	}
	return key, nil
}

// readCredentials reads a daemon's credentials file, which has the form of AWS's
// shared credentials file (AWS CLI User Guide, "Configuration and credential file
// settings"). It returns the keys of each profile and the profiles in their order.
func readCredentials(dataDir string) (keys map[string]awsquery.Key, profiles []string, err error) {
	path := credentialsPath(dataDir)
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("there is no %s: start a daemon with: sudo ringfenced dev", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, fmt.Errorf("%s may not be read by you: run it with sudo", path)
	case err != nil:
		return nil, nil, fmt.Errorf("read credentials: %w", err)
	}
	defer f.Close()

	keys = make(map[string]awsquery.Key)
	profile := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			profile = strings.TrimSpace(line[1 : len(line)-1])
			profiles = append(profiles, profile)
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		key := keys[profile]
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			key.Access = strings.TrimSpace(value)
		case "aws_secret_access_key":
			key.Secret = strings.TrimSpace(value)
		}
		keys[profile] = key
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("read credentials: %w", err)
	}
	return keys, profiles, nil
}
