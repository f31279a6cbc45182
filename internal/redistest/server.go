package redistest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	startTimeout = 30 * time.Second // for a server to answer, or a group to be whole
	pollEvery    = 20 * time.Millisecond
)

// Server is one redis-server: a whole backend, or a node of one.
type Server struct {
	Addr string // 127.0.0.1:port

	*serverSet
	dir   string
	extra []string // lines of redis.conf for this node's part in a group
	args  []string // of the command line
	bus   string   // port for the messages of a Cluster
	proc  atomic.Pointer[process]
	boots sync.Mutex // one Restart at a time
}

// Standalone starts one server for this test.
func Standalone(t testing.TB, o Options) *Server {
	t.Helper()
	return own(t, o, newStandalone)
}

// TLS starts one server that speaks only TLS and requires a client certificate.
func TLS(t testing.TB) *Server {
	t.Helper()
	return Standalone(t, Options{TLS: true})
}

func newStandalone(e *serverSet) (*Server, error) {
	s, err := e.server("redis")
	if err != nil {
		return nil, err
	}
	return s, s.boot(s.data)
}

func (s *Server) port() string {
	_, port, _ := net.SplitHostPort(s.Addr)
	return port
}

// boot starts the server for the first time, on a free port.
func (s *Server) boot(config func() []string) (err error) {
	for range 5 {
		var port int
		if port, err = freePort(); err != nil {
			return err
		}
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if err = os.WriteFile(s.conf(), []byte(strings.Join(config(), "\n")+"\n"), 0o600); err != nil {
			return err
		}
		if err = s.run(); err == nil || !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

func (s *Server) conf() string { return filepath.Join(s.dir, "redis.conf") }

var errPortTaken = errors.New("another process was quicker on this port")

// run starts the process and returns when it serves.
func (s *Server) run() error {
	p, err := start(s.dir, append([]string{s.conf()}, s.args...)...)
	if err != nil {
		return err
	}
	s.proc.Store(p)
	err = until(func() error {
		if !p.running() {
			return fmt.Errorf("%w: redis-server ended", errStop)
		}
		return s.serves()
	})
	if err == nil {
		return nil
	}
	p.kill()
	said, _ := os.ReadFile(filepath.Join(s.dir, "output"))
	if strings.Contains(string(said), "Address already in use") {
		err = errPortTaken
	}
	return fmt.Errorf("redistest: %s: %w: it says:\n%s", s.Addr, err, said[max(0, len(said)-2000):])
}

// serves asks for the number of the process: the server on this port must be
// ours.
func (s *Server) serves() error {
	info, err := s.ask("info", "server").Text()
	if err != nil {
		return err
	}
	if !strings.Contains(info, fmt.Sprintf("\nprocess_id:%d\r", s.PID())) {
		return fmt.Errorf("%w: %w", errStop, errPortTaken)
	}
	return s.ask("ping").Err() // LOADING: it is still reading its file
}

// errStop makes until stop early.
var errStop = errors.New("no use to wait")

// until repeats a check until it succeeds, for at most startTimeout, and
// returns its last error.
func until(check func() error) error {
	end := time.Now().Add(startTimeout)
	for {
		err := check()
		if err == nil || errors.Is(err, errStop) || time.Now().After(end) {
			return err
		}
		time.Sleep(pollEvery)
	}
}
