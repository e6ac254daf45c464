package guest

import (
	"bytes"
	"io"
	"os"
)

// A console keeps the last output of a machine's programs in a file that the
// daemon reads for GetConsoleOutput. The file stays below maxConsole.
type console struct {
	in   *os.File // programs write here
	out  *os.File // the other end of in
	file *os.File // what is kept; open for appending
}

// EC2 keeps the most recent 64 KB (EC2 API reference, GetConsoleOutput); the
// file holds up to four times as much, so that it is rarely rewritten.
const (
	keepConsole = 64 << 10
	maxConsole  = 256 << 10
)

// openConsole puts a console before the file that the init was given as its
// standard output.
func openConsole() (*console, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &console{in: in, out: out, file: os.Stdout}, nil
}

// run writes what programs say to the file, until the process ends. A file that
// cannot be written (a full disk) loses output and stops no program.
func (c *console) run() {
	buf := make([]byte, 16<<10)
	for {
		n, err := c.out.Read(buf)
		if err != nil {
			return
		}
		_ = c.keep(buf[:n])
	}
}

func (c *console) keep(text []byte) error {
	info, err := c.file.Stat()
	if err != nil {
		return err
	}
	if size := info.Size(); size+int64(len(text)) > maxConsole {
		tail := make([]byte, keepConsole)
		n, err := c.file.ReadAt(tail, max(0, size-keepConsole))
		if err != nil && err != io.EOF {
			return err
		}
		tail = tail[:n]
		if i := bytes.IndexByte(tail, '\n'); i >= 0 {
			tail = tail[i+1:]
		}
		if err := c.file.Truncate(0); err != nil {
			return err
		}
		if _, err := c.file.Write(tail); err != nil {
			return err
		}
	}
	_, err = c.file.Write(text)
	return err
}
