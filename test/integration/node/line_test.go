package node_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// line passes connections on to the API server, until it is cut.
type line struct {
	address, server string

	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
}

// newLine has an address that nobody else gets while the line is cut.
func newLine(t *testing.T, s *suite) *line {
	t.Helper()
	port, err := s.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	l := &line{address: fmt.Sprintf("127.0.0.1:%d", port), server: strings.TrimPrefix(s.Server(), "https://")}
	l.mend(t)
	t.Cleanup(l.cut)
	return l
}

// mend listens, at the same address as before.
func (l *line) mend(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listener = listener
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return // it was cut
			}
			go l.connect(from)
		}
	}()
}

func (l *line) connect(from net.Conn) {
	to, err := net.Dial("tcp", l.server)
	if err != nil {
		_ = from.Close()
		return
	}
	l.mu.Lock()
	l.open = append(l.open, from, to)
	l.mu.Unlock()
	pass := func(a, b net.Conn) {
		_, _ = io.Copy(a, b) // ends when either end does
		_, _ = a.Close(), b.Close()
	}
	go pass(to, from)
	go pass(from, to)
}

// cut ends all connections and takes no more.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.listener.Close()
	for _, c := range l.open {
		_ = c.Close()
	}
	l.open = nil
}
