package redistest

import (
	"fmt"
	"sync"
	"time"
)

// Running reports whether the process is alive, paused or not.
func (s *Server) Running() bool {
	p := s.proc.Load()
	return p != nil && p.running()
}

// PID returns the number of the process.
func (s *Server) PID() int { return s.proc.Load().pid() }

// Kill ends the process at once with SIGKILL and returns when it is gone. It
// does nothing to a dead process.
func (s *Server) Kill() {
	s.touched.Store(true)
	s.proc.Load().kill()
}

// Restart starts the process on its old port, with its old folder, and returns
// when it serves. It does nothing to a server that is running.
func (s *Server) Restart() {
	s.tb.Helper()
	s.touched.Store(true)
	s.boots.Lock()
	defer s.boots.Unlock()
	if s.Running() {
		return
	}
	if err := s.run(); err != nil {
		s.tb.Errorf("restart: %s", err)
	}
}

// Pause stops the process. When Pause returns, the process still exists but
// answers nothing: connections stay open, and the kernel accepts new ones. It
// goes on after d, or with d = 0 when Resume is called.
func (s *Server) Pause(d time.Duration) {
	s.tb.Helper()
	s.touched.Store(true)
	if err := s.proc.Load().pause(d); err != nil {
		s.tb.Errorf("pause %s: %s", s.Addr, err)
	}
}

// Resume ends a pause.
func (s *Server) Resume() {
	s.tb.Helper()
	if err := s.proc.Load().goOn(); err != nil {
		s.tb.Errorf("resume %s: %s", s.Addr, err)
	}
}

// group holds the data nodes of a backend that has several.
type group []*Server

// Servers returns all data nodes.
func (g group) Servers() []*Server { return g }

// Kill ends every data node.
func (g group) Kill() {
	for _, s := range g {
		s.Kill()
	}
}

// Pause stops every data node; see [Server.Pause].
func (g group) Pause(d time.Duration) {
	for _, s := range g {
		s.Pause(d)
	}
}

// Resume ends a pause of every data node.
func (g group) Resume() {
	for _, s := range g {
		s.Resume()
	}
}

// restart starts every data node that is not running, in parallel.
func (g group) restart() {
	var all sync.WaitGroup
	for _, s := range g {
		all.Go(s.Restart)
	}
	all.Wait()
}

// each runs one step on every server, in parallel, and returns the first error.
func each(servers []*Server, step func(*Server) error) error {
	errs := make([]error, len(servers))
	var all sync.WaitGroup
	for i, s := range servers {
		all.Go(func() { errs[i] = step(s) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("%s: %w", servers[i].Addr, err)
		}
	}
	return nil
}
