package redistest

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
)

// Shared lends backends to the tests of one package, so that each kind starts
// once and not for every test. Tests that run in parallel get different
// backends. A returned backend has no keys, scripts or functions; one that was
// killed, paused or failed over, or whose configuration or users a test
// changed, is not lent again. Clients must be closed before the test ends, as
// those of Backend.Client are.
//
// The zero value is ready. Main must run the tests.
type Shared struct {
	mu      sync.Mutex
	root    string               // empty until Main runs, and after
	started int                  // number so far, for folder names
	idle    map[string][]Backend // by kind
	all     []*serverSet
}

// runner is the interface of testing.M, which goleak.VerifyTestMain requires.
type runner interface{ Run() int }

type runFunc func() int

func (f runFunc) Run() int { return f() }

// Main wraps m, so that all servers end when the tests have.
func (sh *Shared) Main(m runner) interface{ Run() int } {
	return runFunc(func() int {
		root, err := os.MkdirTemp("", "redistest")
		if err != nil {
			fmt.Fprintln(os.Stderr, "redistest:", err)
			return 1
		}
		sh.setRoot(root)
		defer sh.end()
		return m.Run()
	})
}

func (sh *Shared) setRoot(root string) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.root = root
}

func (sh *Shared) end() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, e := range sh.all {
		e.end()
	}
	_ = os.RemoveAll(sh.root) // an error leaves files in the folder for temporary files
	sh.root, sh.idle, sh.all = "", nil, nil
}

// Standalone lends one server.
func (sh *Shared) Standalone(t testing.TB) *Server {
	t.Helper()
	return lend(t, sh, "standalone", Options{}, newStandalone)
}

// TLS lends one server that speaks only TLS and requires a client certificate.
func (sh *Shared) TLS(t testing.TB) *Server {
	t.Helper()
	return lend(t, sh, "tls", Options{TLS: true}, newStandalone)
}

// Sentinel lends a Sentinel group.
func (sh *Shared) Sentinel(t testing.TB) *Sentinels {
	t.Helper()
	return lend(t, sh, "sentinel", Options{}, newSentinels)
}

// Cluster lends a Cluster.
func (sh *Shared) Cluster(t testing.TB) *Nodes {
	t.Helper()
	return lend(t, sh, "cluster", Options{}, newNodes)
}

// Each runs a test on every kind of Redis: the subtests "standalone", "tls",
// "sentinel" and "cluster", in this order.
func (sh *Shared) Each(t *testing.T, test func(t *testing.T, b Backend)) {
	t.Helper()
	t.Run("standalone", func(t *testing.T) { test(t, sh.Standalone(t)) })
	t.Run("tls", func(t *testing.T) { test(t, sh.TLS(t)) })
	t.Run("sentinel", func(t *testing.T) { test(t, sh.Sentinel(t)) })
	t.Run("cluster", func(t *testing.T) { test(t, sh.Cluster(t)) })
}

// lend takes an idle backend, or starts one, until the test ends.
func lend[B Backend](tb testing.TB, sh *Shared, kind string, o Options, start func(*serverSet) (B, error)) B {
	tb.Helper()
	b, ok := take[B](sh, kind)
	if !ok {
		e, err := sh.open(tb, o)
		if err != nil {
			tb.Fatal(err)
		}
		if b, err = start(e); err != nil {
			tb.Fatal(err)
		}
		if e.as, err = e.state(b.Servers()); err != nil {
			tb.Fatal(err)
		}
	}
	b.whole().tb = tb
	tb.Cleanup(func() { sh.back(tb, kind, b) })
	return b
}

func take[B Backend](sh *Shared, kind string) (b B, ok bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	last := len(sh.idle[kind]) - 1
	if last < 0 {
		return b, false
	}
	b, ok = sh.idle[kind][last].(B)
	sh.idle[kind] = sh.idle[kind][:last]
	return b, ok
}

// open prepares the folder of one more backend.
func (sh *Shared) open(tb testing.TB, o Options) (*serverSet, error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.root == "" {
		return nil, errors.New("redistest: TestMain must run Shared.Main(m)")
	}
	sh.started++
	root := sh.root + "/" + strconv.Itoa(sh.started)
	if err := os.Mkdir(root, 0o700); err != nil {
		return nil, err
	}
	e, err := newServerSet(tb, root, o)
	if err == nil {
		sh.all = append(sh.all, e)
	}
	return e, err
}

// back empties a backend for the next test, or ends it if it was changed.
func (sh *Shared) back(tb testing.TB, kind string, b Backend) {
	e := b.whole()
	if err := e.reset(b.Servers()); err != nil {
		tb.Logf("redistest: not lent again: %s", err)
		e.end()
		return
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.idle == nil {
		sh.idle = map[string][]Backend{}
	}
	sh.idle[kind] = append(sh.idle[kind], b)
}
