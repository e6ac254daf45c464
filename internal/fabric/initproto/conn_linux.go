package initproto

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// maxMessage bounds a message, in bytes. The kernel takes 2 MiB of arguments
// and environment by default (execve(2)), and JSON makes them longer.
const maxMessage = 8 << 20

// maxFiles is how many files come with one message at most.
const maxFiles = 3

// A Conn carries messages and files.
type Conn struct {
	unix    *net.UnixConn
	writing sync.Mutex // held for a whole message
}

// NewConn returns a Conn over c.
func NewConn(c *net.UnixConn) *Conn { return &Conn{unix: c} }

// Close ends the connection; a Receive that waits returns.
func (c *Conn) Close() error { return c.unix.Close() }

// Send sends m, and files beside it. The files stay the caller's.
func (c *Conn) Send(m Message, files ...*os.File) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	if len(body) > maxMessage {
		return fmt.Errorf("message of %d bytes is too long", len(body))
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	frame = append(frame, body...)
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}

	c.writing.Lock()
	defer c.writing.Unlock()
	n, _, err := c.unix.WriteMsgUnix(frame, rights, nil)
	if err == nil && n < len(frame) {
		_, err = c.unix.Write(frame[n:])
	}
	if err != nil {
		return fmt.Errorf("send message: %w", err)
	}
	return nil
}

// Receive returns the next message and the files that came with it, which are
// the caller's to close. io.EOF says that the other side has closed.
func (c *Conn) Receive() (Message, []*os.File, error) {
	// Files are attached to the first byte of their message, and one read
	// never crosses from one message's files into the next's (unix(7)).
	header := make([]byte, 4)
	rights := make([]byte, unix.CmsgSpace(maxFiles*4))
	n, nrights, _, _, err := c.unix.ReadMsgUnix(header, rights)
	if err != nil {
		return Message{}, nil, fmt.Errorf("receive message: %w", err)
	}
	if n == 0 {
		return Message{}, nil, io.EOF
	}
	files, err := parseRights(rights[:nrights])
	if err != nil {
		return Message{}, nil, err
	}
	m, err := c.readBody(header, n)
	if err != nil {
		closeAll(files)
		return Message{}, nil, err
	}
	return m, files, nil
}

// readBody reads the message whose header has n bytes read already.
func (c *Conn) readBody(header []byte, n int) (Message, error) {
	var m Message
	if _, err := io.ReadFull(c.unix, header[n:]); err != nil {
		return m, fmt.Errorf("receive message: %w", err)
	}
	length := binary.BigEndian.Uint32(header)
	if length > maxMessage {
		return m, fmt.Errorf("message of %d bytes is too long", length)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(c.unix, body); err != nil {
		return m, fmt.Errorf("receive message: %w", err)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("decode message: %w", err)
	}
	return m, nil
}

func parseRights(rights []byte) ([]*os.File, error) {
	if len(rights) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, fmt.Errorf("parse control message: %w", err)
	}
	var files []*os.File
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if errors.Is(err, unix.EINVAL) {
			continue // some other kind of control message
		}
		if err != nil {
			closeAll(files)
			return nil, fmt.Errorf("parse passed files: %w", err)
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "passed file"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
