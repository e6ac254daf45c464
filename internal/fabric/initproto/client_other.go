//go:build !linux

package initproto

import (
	"context"
	"errors"
)

// errLinux is what machines need: they are Linux namespaces.
var errLinux = errors.New("machines run on Linux only; run this on the daemon's host")

// Ping fails: there are no machines here.
func Ping(context.Context, string) (Hello, error) { return Hello{}, errLinux }

// Shutdown fails: there are no machines here.
func Shutdown(context.Context, string) error { return errLinux }

// Exec fails: there are no machines here.
func Exec(context.Context, string, Command) (int, error) { return 0, errLinux }
