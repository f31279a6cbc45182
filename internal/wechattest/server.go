package wechattest

import (
	"context"
	"net/http"
	"sync"
)

// Server is WeChat, simulated. It is safe for concurrent use.
type Server struct {
	config Config
	routes map[string]http.HandlerFunc
	roster *roster
	vault  *vault
	quirks quirkBox
	calls  callLog
	quota  quota
	replay replayer
	logMu  sync.Mutex

	closed context.Context // done after Close
	end    context.CancelFunc
}

// New makes a Server. It panics where config.Validate would give an error.
//
// Close ends what it may start.
func New(config Config) *Server {
	roster, err := build(config)
	if err != nil {
		panic(err)
	}
	s := &Server{config: config, roster: roster, vault: newVault(maxRecords)}
	s.closed, s.end = context.WithCancel(context.Background())
	for _, a := range config.Accounts {
		s.vault.issue(a.Secret)
	}
	s.routes = map[string]http.HandlerFunc{
		authorizePath: s.authorize,
		consentPath:   s.decide,
	}
	for _, e := range endpoints {
		s.routes[e.path] = func(w http.ResponseWriter, r *http.Request) { s.api(w, r, e) }
	}
	return s
}

// Close ends answers that hang and callbacks that are being replayed, and waits
// for the latter. The Server must not be used after it.
func (s *Server) Close() {
	s.replay.mu.Lock() // nobody starts one between the end and the wait
	s.end()
	s.replay.mu.Unlock()
	s.replay.group.Wait()
}

// ServeHTTP answers for open.weixin.qq.com and api.weixin.qq.com.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if handle, ok := s.routes[r.URL.Path]; ok {
		handle(w, r)
		return
	}
	s.other(w, r)
}
