package elb

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// askWait bounds how long HAProxy may take to answer a command.
const askWait = 5 * time.Second

// ask gives the master a command, or with "@PID " before it a worker, and
// returns the answer (HAProxy Management Guide, "Master CLI").
func (p *proxy) ask(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", filepath.Join(p.dir, masterName))
	if err != nil {
		return "", err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	_, err = io.WriteString(c, command+"\n")
	if err == nil {
		err = c.(*net.UnixConn).CloseWrite() // the master waits for it, and then closes too
	}
	if err != nil {
		return "", err
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}

// tell gives a worker a command that answers nothing when it is done.
func (p *proxy) tell(ctx context.Context, worker int, command string) error {
	answer, err := p.ask(ctx, fmt.Sprintf("@!%d %s", worker, command))
	if answer = strings.TrimSpace(answer); err == nil && answer != "" {
		err = fmt.Errorf("HAProxy says %q", answer)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}

// workers are the processes of a proxy.
type workers struct {
	reloads int   // since the master started
	current int   // process that takes connections; 0 while there is none
	old     []int // those that end theirs
}

func (w workers) all() []int {
	if w.current == 0 {
		return w.old
	}
	return append([]int{w.current}, w.old...)
}

// workers asks the master for its workers.
func (p *proxy) workers(ctx context.Context) (workers, error) {
	answer, err := p.ask(ctx, "show proc")
	if err != nil {
		return workers{}, err
	}
	return parseWorkers(answer)
}

// parseWorkers reads the answer to show proc: a line for each process, its
// number first, then what it is, and how many reloads it has seen.
func parseWorkers(answer string) (workers, error) {
	var w workers
	scanner := bufio.NewScanner(strings.NewReader(answer))
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		if len(fields) < 3 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		pid, err := strconv.Atoi(fields[0])
		reloads, err2 := strconv.Atoi(fields[2])
		if err != nil || err2 != nil {
			return w, fmt.Errorf("unreadable process %q", scanner.Text())
		}
		switch {
		case fields[1] == "master":
			w.reloads = reloads
		case fields[1] == "worker" && reloads == 0:
			w.current = pid
		case fields[1] == "worker":
			w.old = append(w.old, pid)
		}
	}
	return w, scanner.Err()
}

// setService says whether a server takes new connections. Those that it has go
// on. A client whose cookie names it goes elsewhere, which is not so for a
// server that HAProxy itself drains.
func (p *proxy) setService(ctx context.Context, worker int, backend, server string, inService bool) error {
	state := "maint"
	if inService {
		state = "ready"
	}
	return p.tell(ctx, worker, fmt.Sprintf("set server %s/%s state %s", backend, server, state))
}

// cut ends all connections to servers, by their names, in every worker. Workers
// that end their connections refuse to do it for a server, so each is ended by
// itself.
func (p *proxy) cut(ctx context.Context, servers map[string]bool) error {
	w, err := p.workers(ctx)
	if err != nil {
		return err
	}
	for _, worker := range w.all() {
		answer, err := p.ask(ctx, fmt.Sprintf("@!%d show sess", worker))
		if err != nil {
			return fmt.Errorf("list connections: %w", err)
		}
		for _, session := range sessionsTo(answer, servers) {
			if _, err := p.ask(ctx, fmt.Sprintf("@!%d shutdown session %s", worker, session)); err != nil {
				return fmt.Errorf("end connection: %w", err)
			}
		}
	}
	return nil
}

// sessionsTo reads the answer to show sess: a line for each session, its name
// first, and among other things srv=SERVER.
func sessionsTo(answer string, servers map[string]bool) []string {
	var sessions []string
	for line := range strings.Lines(answer) {
		name, rest, _ := strings.Cut(line, ":")
		for _, field := range strings.Fields(rest) {
			if server, ok := strings.CutPrefix(field, "srv="); ok && servers[server] {
				sessions = append(sessions, name)
			}
		}
	}
	return sessions
}

// A row is a line of HAProxy's statistics: values by column (HAProxy Management
// Guide, "Statistics: CSV format").
type row map[string]string

func (r row) number(column string) int64 {
	n, err := strconv.ParseInt(r[column], 10, 64)
	if err != nil {
		return 0 // columns that do not apply are empty
	}
	return n
}

// statistics are those of a worker.
func (p *proxy) statistics(ctx context.Context, worker int) ([]row, error) {
	answer, err := p.ask(ctx, fmt.Sprintf("@!%d show stat", worker))
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	return parseStatistics(answer)
}

func parseStatistics(answer string) ([]row, error) {
	if strings.TrimSpace(answer) == "" {
		return nil, nil // the worker has ended meanwhile
	}
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(strings.TrimSpace(answer), "# ")))
	reader.FieldsPerRecord = -1
	records, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("unreadable statistics: %w", err)
	}
	var rows []row
	for _, record := range records[1:] {
		r := make(row)
		for i, value := range record {
			if i < len(records[0]) {
				r[records[0][i]] = value
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}
