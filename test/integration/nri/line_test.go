package nri_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// line passes connections on to the runtime's socket, counts them, and can be cut, as a runtime that ends cuts it.
type line struct {
	address, runtime string

	mu       sync.Mutex
	open     []net.Conn
	cuts     int
	now      int // since the last cut
	atOnce   int
	accepted int
}

func newLine(t *testing.T, runtime string) *line {
	t.Helper()
	l := &line{address: socketPath(t), runtime: runtime}
	listener, err := net.Listen("unix", l.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		l.cut()
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.mu.Lock()
			cuts := l.cuts
			l.mu.Unlock()
			go l.pass(conn, cuts)
		}
	}()
	return l
}

// pass serves a connection that was accepted after so many cuts.
func (l *line) pass(conn net.Conn, cuts int) {
	defer func() { _ = conn.Close() }()
	server, err := net.Dial("unix", l.runtime)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if !l.enter(cuts, conn, server) {
		return
	}
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{conn, server}, {server, conn}} {
		go func() {
			_, _ = io.Copy(way[0], way[1]) // until either side ends
			ended <- struct{}{}
		}()
	}
	<-ended
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cuts == cuts {
		l.now--
	}
}

// enter counts a connection, unless the line was cut since it was accepted.
func (l *line) enter(cuts int, ends ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cuts != cuts {
		return false
	}
	l.open = append(l.open, ends...)
	l.now, l.accepted = l.now+1, l.accepted+1
	l.atOnce = max(l.atOnce, l.now)
	return true
}

// cut ends all connections.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		_ = c.Close() // it may have ended
	}
	l.open, l.cuts, l.now = nil, l.cuts+1, 0
}

// counts are the connections until now, and how many there were at a time.
func (l *line) counts() (accepted, atOnce int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted, l.atOnce
}
