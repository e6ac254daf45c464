package initproto

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

// Ping asks the init on socket who it is.
func Ping(ctx context.Context, socket string) (Hello, error) {
	c, done, err := connect(ctx, socket)
	if err != nil {
		return Hello{}, err
	}
	defer done()
	if err := c.Send(Message{Ask: true}); err != nil {
		return Hello{}, err
	}
	m, files, err := c.Receive()
	closeAll(files)
	if err != nil {
		return Hello{}, err
	}
	if m.Hello == nil {
		return Hello{}, errors.New("init did not say who it is")
	}
	return *m.Hello, nil
}

// Shutdown tells the init on socket to end what runs in its machine, and
// itself, and returns when it has. An init that is not there is no error.
func Shutdown(ctx context.Context, socket string) error {
	c, done, err := connect(ctx, socket)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if err != nil {
		return err
	}
	defer done()
	if err := c.Send(Message{Shutdown: true}); err != nil {
		return err
	}
	_, files, err := c.Receive()
	closeAll(files)
	if errors.Is(explainEnd(err), errEnded) {
		return nil
	}
	if err == nil {
		return errors.New("init answered instead of ending")
	}
	return errors.Join(ctx.Err(), err)
}

// Exec runs cmd in the machine whose init listens on socket, and returns its
// exit status: SignalStatus+n when signal n killed it. A command that cannot be
// run has StatusCannotRun or StatusNotFound and an error that says why; every
// other error means that the status is not known.
//
// When ctx is done, or the caller dies, the command is killed. With a TTY, a
// Stdin that is a terminal is in raw mode until Exec returns.
func Exec(ctx context.Context, socket string, cmd Command) (int, error) {
	c, done, err := connect(ctx, socket)
	if err != nil {
		return 0, err
	}
	defer done()

	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	for _, f := range []**os.File{&cmd.Stdin, &cmd.Stdout, &cmd.Stderr} {
		if *f == nil {
			*f = null
		}
	}
	files := []*os.File{cmd.Stdin, cmd.Stdout, cmd.Stderr}
	if cmd.TTY {
		files = nil
		if size, err := windowSize(cmd.Stdin); err == nil && cmd.Size == (WindowSize{}) {
			cmd.Size = size
		}
	}
	if err := c.Send(Message{Exec: &cmd}, files...); err != nil {
		return 0, errors.Join(ctx.Err(), err)
	}
	m, files, err := c.Receive()
	if err != nil {
		return 0, errors.Join(ctx.Err(), fmt.Errorf("start command: %w", explainEnd(err)))
	}
	defer closeAll(files)
	if m.Exit != nil {
		return m.Exit.Status, errors.New(m.Exit.Reason)
	}

	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { forwardSignals(c, cmd.Signals, ended) })
	if cmd.TTY && len(files) == 1 {
		restore := rawMode(cmd.Stdin)
		defer restore()
		wg.Go(func() { joinTerminal(files[0], cmd, ended) })
	}
	exit, err := awaitExit(c)
	close(ended)
	wg.Wait()
	if err != nil {
		return 0, errors.Join(ctx.Err(), fmt.Errorf("wait for command: %w", explainEnd(err)))
	}
	return exit.Status, nil
}

// connect dials socket for a conversation that ends when ctx does.
func connect(ctx context.Context, socket string) (c *Conn, done func(), err error) {
	u, err := Dial(ctx, socket)
	if err != nil {
		return nil, nil, fmt.Errorf("reach init: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { u.Close() })
	return NewConn(u), func() { stop(); u.Close() }, nil
}

// errEnded says that there is no init any more to speak with.
var errEnded = errors.New("the machine has ended")

// explainEnd returns errEnded for the errors of a connection that an init which
// ended has left behind, and other errors as they are.
func explainEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return errEnded
	}
	return err
}

func awaitExit(c *Conn) (Exit, error) {
	for {
		m, files, err := c.Receive()
		closeAll(files)
		if err != nil {
			return Exit{}, err
		}
		if m.Exit != nil {
			return *m.Exit, nil
		}
	}
}

// forwardSignals sends signals on until the command has ended. One that cannot
// be sent is dropped: then the connection is gone and so is the command.
func forwardSignals(c *Conn, signals <-chan os.Signal, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case s := <-signals:
			if n, ok := s.(syscall.Signal); ok {
				_ = c.Send(Message{Signal: int(n)})
			}
		}
	}
}
