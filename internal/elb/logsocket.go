package elb

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// logLines are what HAProxy says of requests. It waits for nobody: lines that
// are not read in time are lost, and no request is slower for it.
type logLines struct {
	conn *net.UnixConn
	c    chan []byte
}

const (
	maxLogLine  = 64 << 10
	logBacklog  = 1 << 20 // bytes that the kernel keeps
	linesQueued = 1024
)

// listenLog opens the socket that the proxy writes its log to.
func (p *proxy) listenLog() (*logLines, error) {
	dir, err := os.OpenRoot(p.dir) // see writeFile
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	path := filepath.Join(p.dir, logName)
	if err := dir.Remove(logName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(conn.SetReadBuffer(logBacklog), dir.Chmod(logName, 0o666)); err != nil { // in a directory of HAProxy's alone
		conn.Close()
		return nil, fmt.Errorf("prepare %s: %w", path, err)
	}
	return &logLines{conn: conn, c: make(chan []byte, linesQueued)}, nil
}

// read hands on lines until close.
func (l *logLines) read() {
	buf := make([]byte, maxLogLine)
	for {
		n, err := l.conn.Read(buf)
		if err != nil {
			return
		}
		line := append([]byte(nil), buf[:n]...)
		select {
		case l.c <- line:
		default:
		}
	}
}

func (l *logLines) close() { l.conn.Close() }
