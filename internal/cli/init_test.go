//go:build linux

package cli

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"sync"

	"ringfence/internal/fabric/initproto"
)

// startInit runs an init that runs commands right here, with the files that it
// is passed.
func startInit(socket string) (stop func(), err error) {
	listener, err := initproto.Listen(socket)
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := listener.AcceptUnix()
			if err != nil {
				return
			}
			wg.Go(func() { serveInit(c) })
		}
	})
	return func() { listener.Close(); wg.Wait() }, nil
}

func serveInit(c *net.UnixConn) {
	conn := initproto.NewConn(c)
	defer conn.Close()
	m, files, err := conn.Receive()
	if err != nil || m.Exec == nil || len(files) != 3 {
		return
	}
	cmd := exec.Command(m.Exec.Args[0], m.Exec.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[1], files[2]
	exit := initproto.Exit{}
	err = cmd.Start()
	for _, f := range files {
		f.Close()
	}
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		exit = initproto.Exit{Status: initproto.StatusNotFound, Reason: err.Error()}
	} else {
		if conn.Send(initproto.Message{Started: true}) != nil {
			return
		}
		if ended, ok := errors.AsType[*exec.ExitError](cmd.Wait()); ok {
			exit.Status = ended.ExitCode()
		}
	}
	_ = conn.Send(initproto.Message{Exit: &exit}) // a client that is gone asks no more
}
