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

// readProfile returns a profile's key from a daemon's credentials file, which has
// the form of AWS's shared credentials file (AWS CLI User Guide, "Configuration
// and credential file settings").
func readProfile(dataDir, profile string) (awsquery.Key, error) {
	path := filepath.Join(dataDir, "credentials")
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return awsquery.Key{}, fmt.Errorf("there is no %s: start a daemon with: sudo ringfenced dev", path)
	case errors.Is(err, fs.ErrPermission):
		return awsquery.Key{}, fmt.Errorf("%s may not be read by you: run it with sudo", path)
	case err != nil:
		return awsquery.Key{}, fmt.Errorf("read credentials: %w", err)
	}
	defer f.Close()

	var key awsquery.Key
	var names []string
	section := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = strings.TrimSpace(line[1 : len(line)-1])
			names = append(names, section)
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if section != profile || !ok {
			continue
		}
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			key.Access = strings.TrimSpace(value)
		case "aws_secret_access_key":
			key.Secret = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		return awsquery.Key{}, fmt.Errorf("read credentials: %w", err)
	}
	if key.Access == "" || key.Secret == "" {
		return awsquery.Key{}, fmt.Errorf("%s has no keys for the profile %q: it has the profiles %s",
			path, profile, strings.Join(names, ", "))
	}
	return key, nil
}
