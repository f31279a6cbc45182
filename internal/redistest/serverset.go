package redistest

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// serverSet holds what the servers of one backend have in common.
type serverSet struct {
	tb      testing.TB // the test that uses the backend now
	root    string
	opts    Options
	certs   *Certs // nil in clear text
	admin   string // password of adminUser
	all     []*Server
	as      []nodeState // state of the data nodes after the start, for a Shared
	touched atomic.Bool // a control was used: Shared does not lend this backend again
}

func newServerSet(tb testing.TB, root string, o Options) (*serverSet, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	e := &serverSet{tb: tb, root: root, opts: o, admin: rand.Text()}
	if !o.TLS {
		return e, nil
	}
	var err error
	e.certs, err = newCerts(root)
	return e, err
}

// server adds one server, not started yet, with its own folder.
func (e *serverSet) server(name string) (*Server, error) {
	s := &Server{serverSet: e, dir: filepath.Join(e.root, name)}
	e.all = append(e.all, s)
	return s, os.Mkdir(s.dir, 0o700)
}

// end kills all servers.
func (e *serverSet) end() {
	for _, s := range e.all {
		if p := s.proc.Load(); p != nil {
			p.kill()
		}
	}
}

// own makes a backend for one test.
func own[B Backend](tb testing.TB, o Options, make func(*serverSet) (B, error)) B {
	tb.Helper()
	begun := time.Now()
	e, err := newServerSet(tb, tb.TempDir(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(e.end)
	b, err := make(e)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("redistest: %d servers in %v: %s", len(e.all), time.Since(begun).Round(time.Millisecond), e.root)
	return b
}

// Certs returns the files with which to connect over TLS, or nil in clear text.
func (e *serverSet) Certs() *Certs { return e.certs }

func (e *serverSet) whole() *serverSet { return e }
