package wechattest

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server simulates WeChat. It is safe for concurrent use.
type Server struct {
	config Config
	routes map[string]http.HandlerFunc
	roster *roster
	vault  *vault
	quirks quirkBox
	calls  callLog
	quota  quota
	replay replayer
	pusher pusher
	began  time.Time
	logMu  sync.Mutex
	clock  atomic.Int64 // ns that WeChat's clock is ahead; see Mistake

	closed context.Context // done after Close
	end    context.CancelFunc
}

// New makes a Server. It panics if config.Validate returns an error.
//
// Call Close to end its background work.
func New(config Config) *Server {
	if err := config.Validate(); err != nil {
		panic(err)
	}
	roster, err := build(config)
	if err != nil {
		panic(err)
	}
	s := &Server{config: config, roster: roster, vault: newVault(maxRecords), began: time.Now()}
	s.pusher.transport, s.pusher.wait = newTransport(config), cmp.Or(config.PushWait, pushWait)
	s.closed, s.end = context.WithCancel(context.Background())
	for _, a := range config.Accounts {
		s.issueSecrets(a)
	}
	s.routes = map[string]http.HandlerFunc{
		authorizePath:  s.authorize,
		consentPath:    s.decide,
		qrPath:         s.qrConnect,
		qrWaitPath:     s.qrWait,
		qrConfirmPath:  s.qrConfirm,
		showTicketPath: s.showTicket,
	}
	for _, e := range endpoints {
		s.routes[e.path] = func(w http.ResponseWriter, r *http.Request) { s.api(w, r, e) }
	}
	return s
}

// Close ends hanging answers, pushes and replays of callbacks, and waits for
// pushes and replays. The Server must not be used afterwards.
func (s *Server) Close() {
	s.replay.mu.Lock() // no replay starts between the end and the wait
	s.pusher.mu.Lock()
	s.end()
	s.pusher.mu.Unlock()
	s.replay.mu.Unlock()
	s.replay.group.Wait()
	s.pusher.group.Wait()
}

// ServeHTTP answers for open.weixin.qq.com and api.weixin.qq.com.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.setDate(w)
	if handle, ok := s.routes[r.URL.Path]; ok {
		handle(w, r)
		return
	}
	s.other(w, r)
}
