package result

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Beside is where a page has a drawing, as it names it: in the directory beside
// it that is called as the page is.
func Beside(page, drawing string) string {
	return filepath.Join(strings.TrimSuffix(filepath.Base(page), filepath.Ext(page)), drawing)
}

// Insert replaces the part of a page that a program writes, between the lines
// <!-- name: begin --> and <!-- name: end -->, and leaves what people have
// written around it.
func Insert(path, name, text string) error {
	page, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no page to write to: %w", err)
	}
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->\n"
	head, rest, ok := strings.Cut(string(page), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no lines %q and %q to write between", path, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(path, []byte(head+begin+text+end+tail), 0o644)
}
