package redistest_test

import (
	"strconv"
	"testing"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

type tests func() int

func (f tests) Run() int { return f() }

// borrow runs one test that borrows a backend, and returns the number of its
// first server's process.
func borrow(t *testing.T, name string, take func(t *testing.T) redistest.Backend, use func(redistest.Backend)) (pid int) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		b := take(t)
		pid = b.Servers()[0].PID()
		for _, s := range b.Servers() {
			if n, err := s.Do("dbsize").Int(); err != nil || n != 0 {
				t.Errorf("%d keys, %v", n, err)
			}
		}
		if err := b.Client().Set(t.Context(), "left over", 1, 0).Err(); err != nil {
			t.Error(err)
		}
		use(b)
	})
	return pid
}

func TestSharedLendsTheSameServerAgainEmpty(t *testing.T) {
	t.Parallel()
	var sh redistest.Shared
	kinds := map[string]func(*testing.T) redistest.Backend{
		"standalone": func(t *testing.T) redistest.Backend { return sh.Standalone(t) },
		"tls":        func(t *testing.T) redistest.Backend { return sh.TLS(t) },
		"sentinel":   func(t *testing.T) redistest.Backend { return sh.Sentinel(t) },
		"cluster":    func(t *testing.T) redistest.Backend { return sh.Cluster(t) },
	}
	var pids []int
	code := sh.Main(tests(func() int {
		for name, take := range kinds {
			nothing := func(redistest.Backend) {}
			first := borrow(t, name+" first", take, nothing)
			if again := borrow(t, name+" again", take, nothing); again != first {
				t.Errorf("%s: another server", name)
			}
			pids = append(pids, first)
		}
		return 7
	})).Run()
	if code != 7 {
		t.Fatalf("code %d", code)
	}
	for _, pid := range pids {
		if alive(strconv.Itoa(pid)) {
			t.Errorf("%d outlived Main", pid)
		}
	}
}

func TestSharedDoesNotLendWhatATestSpoiled(t *testing.T) {
	t.Parallel()
	take := func(t *testing.T) redistest.Backend { return shared.Standalone(t) }
	for name, spoil := range map[string]func(*redistest.Server){
		"killed":       func(s *redistest.Server) { s.Kill() },
		"restarted":    func(s *redistest.Server) { s.Kill(); s.Restart() },
		"paused":       func(s *redistest.Server) { s.Pause(0) },
		"other memory": func(s *redistest.Server) { s.Do("config", "set", "maxmemory", "1gb") },
		"other user":   func(s *redistest.Server) { s.Do("acl", "setuser", "default", ">secret") },
		"replica":      func(s *redistest.Server) { s.Do("replicaof", "127.0.0.1", "1") },
		"shut down":    func(s *redistest.Server) { s.Do("shutdown", "nosave") },
	} {
		spoiled := borrow(t, name, take, func(b redistest.Backend) { spoil(b.(*redistest.Server)) })
		if next := borrow(t, name+", then", take, func(redistest.Backend) {}); next == spoiled {
			t.Errorf("%s: lent again", name)
		}
		if alive(strconv.Itoa(spoiled)) {
			t.Errorf("%s: still there", name)
		}
	}
}

func TestSharedGivesTwoBorrowersTwoServers(t *testing.T) {
	t.Parallel()
	a, b := shared.Standalone(t), shared.Standalone(t)
	if a.Addr == b.Addr {
		t.Fatal("the same")
	}
}

func TestEachNamesEveryKind(t *testing.T) {
	t.Parallel()
	var seen []string
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		seen = append(seen, b.URL()[:12])
		if (b.Certs() != nil) != (t.Name() == "TestEachNamesEveryKind/tls") {
			t.Error("certificates")
		}
	})
	if len(seen) != 4 {
		t.Fatalf("%v", seen)
	}
}
