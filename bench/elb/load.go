package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// What instances serve, each page on a port of its own.
const (
	smallPort, smallPage = 9001, 100
	largePort, largePage = 9002, 1 << 20
)

var loopback = netip.MustParseAddr("127.0.0.1")

// startInstances starts the two web servers, which end with the program.
func startInstances() error {
	for port, size := range map[uint16]int{smallPort: smallPage, largePort: largePage} {
		l, err := net.Listen("tcp", netip.AddrPortFrom(loopback, port).String())
		if err != nil {
			return err
		}
		page := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go serve(c, page)
			}
		}()
	}
	return nil
}

// serve answers every request with a page, and reads no more of it than where
// it ends: an instance should cost as little as it can.
func serve(c net.Conn, page []byte) {
	defer c.Close()
	for r := bufio.NewReader(c); ; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) > len("\r\n") {
			continue
		}
		if _, err := c.Write(page); err != nil {
			return
		}
	}
}

// take puts the load on a proxy, and returns how much came per second.
func (m measure) take(p proxy) (float64, error) {
	type outcome struct {
		pages int
		err   error
	}
	ended := make(chan outcome, m.clients)
	began := time.Now()
	for range m.clients {
		go func() {
			pages, err := m.ask(p.address(m), began.Add(*sample))
			ended <- outcome{pages, err}
		}()
	}
	pages := 0
	var failure error
	for range m.clients {
		o := <-ended
		pages += o.pages
		if o.err != nil {
			failure = o.err
		}
	}
	return float64(pages) / time.Since(began).Seconds() * m.scale, failure
}

// ask is one client: it asks for pages until the time is over, and says how
// many came.
func (m measure) ask(address string, until time.Time) (pages int, err error) {
	for time.Now().Before(until) {
		n, err := m.connection(address, until)
		pages += n
		if err != nil {
			return pages, err
		}
	}
	return pages, nil
}

// patience bounds every wait for a proxy.
const patience = 10 * time.Second

// connection asks over one connection.
func (m measure) connection(address string, until time.Time) (pages int, err error) {
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(until.Add(patience)); err != nil {
		return 0, err
	}
	request := "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
	if !m.kept {
		request = "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
	}
	for r := bufio.NewReaderSize(c, 64<<10); ; {
		if _, err := io.WriteString(c, request); err != nil {
			return pages, err
		}
		if err := m.answer(r); err != nil {
			return pages, err
		}
		pages++
		if !m.kept || !time.Now().Before(until) {
			return pages, nil
		}
	}
}

// answer reads a page, which must be one that the instance has sent.
func (m measure) answer(r *bufio.Reader) error {
	status, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 200 ") {
		return fmt.Errorf("the answer is %q", status)
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == len("\r\n") {
			_, err := r.Discard(m.size)
			return err
		}
	}
}
