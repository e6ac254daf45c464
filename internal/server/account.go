package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"ringfence/internal/vpc"
)

// A builtinAccount is there from the beginning, also after a reset.
type builtinAccount struct {
	id       vpc.AccountID
	profile  string // in the credentials file
	platform vpc.Platform
	era      vpc.Era
}

// builtinAccounts: the second is Albert's and Mary's in the EC2 User Guide 2012.
var builtinAccounts = []builtinAccount{
	{"123456789012", "default", vpc.PlatformVPC, vpc.EraModern},
	{"111122223333", "classic", vpc.PlatformClassic, vpc.Era2012},
}

// profileOf is the name of an account's section in the credentials file.
func profileOf(id vpc.AccountID) string {
	for _, b := range builtinAccounts {
		if b.id == id {
			return b.profile
		}
	}
	return string(id)
}

// CredentialsPath is the AWS shared credentials file of a data directory.
func CredentialsPath(dataDir string) string { return filepath.Join(dataDir, "credentials") }

// writeCredentials writes the keys of all accounts. The file is replaced as a
// whole, so a reader never sees half of one.
func (s *Server) writeCredentials(ctx context.Context) error {
	s.credentials.Lock()
	defer s.credentials.Unlock()
	v, err := s.store.View(ctx)
	if err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	var text strings.Builder
	for _, a := range v.Accounts() {
		fmt.Fprintf(&text, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n\n", profileOf(a.ID), a.AccessKey, a.SecretKey)
	}
	path := CredentialsPath(s.opts.DataDir)
	if err := os.WriteFile(path+".new", []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	return nil
}

// serveReset empties the store but for the built-in accounts, whose keys stay.
func (s *Server) serveReset(w http.ResponseWriter, r *http.Request) {
	var keep []vpc.AccountID
	for _, b := range builtinAccounts {
		keep = append(keep, b.id)
	}
	revision, err := s.store.Reset(r.Context(), keep)
	if err == nil && s.opts.DataDir != "" {
		err = s.writeCredentials(r.Context())
	}
	if err != nil {
		s.log.Error("reset", "err", err)
		http.Error(w, "the store could not be reset", http.StatusInternalServerError)
		return
	}
	s.log.Info("reset", "revision", revision, "remote", r.RemoteAddr)
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]int64{"revision": revision}); err != nil {
		s.log.Debug("write answer", "err", err)
	}
}
