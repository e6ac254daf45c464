package fabric

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// keepBinary copies the running program to the data directory, unless it is
// there, and returns the copy's path. Machines run the copy, so an upgrade that
// replaces the program does not touch them. Copies of other versions are
// removed; a machine that runs one keeps it until it ends.
func keepBinary(dataDir string) (string, error) {
	dir := filepath.Join(dataDir, "init")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", err
	}
	defer self.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, self); err != nil {
		return "", err
	}
	path := filepath.Join(dir, fmt.Sprintf("ringfenced-%x", sum.Sum(nil)[:8]))
	if _, err := os.Stat(path); err != nil {
		if err := copyTo(path, self); err != nil {
			return "", err
		}
	}
	return path, removeOthers(dir, filepath.Base(path))
}

// copyTo copies self to path, which exists whole or not at all.
func copyTo(path string, self *os.File) error {
	if _, err := self.Seek(0, io.SeekStart); err != nil {
		return err
	}
	copied, err := os.CreateTemp(filepath.Dir(path), "new-")
	if err != nil {
		return err
	}
	defer os.Remove(copied.Name()) // does nothing once it is renamed
	_, err = io.Copy(copied, self)
	if err == nil {
		err = copied.Chmod(0o755)
	}
	if cerr := copied.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(copied.Name(), path)
}

func removeOthers(dir, keep string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != keep {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
