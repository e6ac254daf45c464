package agent

import (
	"log/slog"
	"net"
	"strings"
	"testing"
)

func TestATakenAddressForNamesEndsTheAgent(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	a := &Agent{opts: Options{DNS: taken.Addr().String()}, log: slog.New(slog.DiscardHandler)}
	if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "is taken") {
		t.Errorf("error is %v, want that the address is taken", err)
	}
}
