package guest

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pkg/sftp"
)

// SFTP is the subsystem that serves files, and the argument with which the
// init's program does it: as a process of its own, with no more rights than the
// user whose session it is.
const SFTP = "sftp"

// ServeSFTP serves the files of its working directory, and all others by their
// paths, on standard input and output. Its result is the process's exit status.
func ServeSFTP() int {
	dir, err := os.Getwd()
	if err == nil {
		err = serveSFTP(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sftp:", err)
		return 1
	}
	return 0
}

func serveSFTP(dir string) error {
	s, err := sftp.NewServer(struct {
		io.Reader
		io.WriteCloser
	}{os.Stdin, os.Stdout}, sftp.WithServerWorkingDirectory(dir))
	if err != nil {
		return err
	}
	if err := s.Serve(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
