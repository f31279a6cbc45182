package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"
)

const (
	// cookieName is the session cookie. It has no __Host- prefix: that needs
	// TLS, and the path.
	cookieName = "wechat_console"
	// sessionLife is how long a session lasts, and sessionIdle how long without
	// a request.
	sessionLife = 8 * time.Hour
	sessionIdle = time.Hour
	// maxSessions bounds the sessions. A new one ends the oldest beyond it.
	maxSessions = 8
)

// session is one signed-in browser. It knows nothing about persons.
type session struct {
	csrf  string // what every form must bring
	begun time.Time

	mu     sync.Mutex
	used   time.Time
	notice *notice // for the next page; nil for none
}

// notice is a sentence about what was done: a text with values that are no
// person's.
type notice struct {
	text   string
	values []any
}

// sessions are the signed-in browsers, by the hash of their cookie's value. The
// zero value is ready.
type sessions struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]*session
}

// begin makes a session and returns the value of its cookie.
func (s *sessions) begin() string {
	value, now := secret(), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[[sha256.Size]byte]*session)
	}
	s.forget(now)
	for len(s.all) >= maxSessions {
		var oldest [sha256.Size]byte
		first := now
		for key, other := range s.all {
			if !other.begun.After(first) {
				oldest, first = key, other.begun
			}
		}
		delete(s.all, oldest)
	}
	s.all[sha256.Sum256([]byte(value))] = &session{csrf: secret(), begun: now, used: now}
	return value
}

// of returns the session of a request, nil for none.
func (s *sessions) of(r *http.Request) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.forget(now)
	for _, cookie := range r.CookiesNamed(cookieName) {
		if found := s.all[sha256.Sum256([]byte(cookie.Value))]; found != nil {
			found.mu.Lock()
			found.used = now
			found.mu.Unlock()
			return found
		}
	}
	return nil
}

// end ends a session.
func (s *sessions) end(ended *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, one := range s.all {
		if one == ended {
			delete(s.all, key)
		}
	}
}

// forget removes the sessions that are over. The caller has locked mu.
func (s *sessions) forget(now time.Time) {
	for key, one := range s.all {
		one.mu.Lock()
		over := now.Sub(one.begun) >= sessionLife || now.Sub(one.used) >= sessionIdle
		one.mu.Unlock()
		if over {
			delete(s.all, key)
		}
	}
}

// sent reports whether a form brought the session's token.
func (s *session) sent(csrf string) bool {
	return subtle.ConstantTimeCompare([]byte(s.csrf), []byte(csrf)) == 1
}

// tell keeps a notice for the next page.
func (s *session) tell(text string, values ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notice = &notice{text, values}
}

// told returns the notice, once.
func (s *session) told() *notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.notice
	s.notice = nil
	return n
}

// setCookie gives a browser a cookie of the console's path, which ends with the
// browser's session.
func (c *Console) setCookie(w http.ResponseWriter, name, value string) {
	cookie := &http.Cookie{Name: name, Value: value, Path: c.base, HttpOnly: true, SameSite: http.SameSiteStrictMode} //nolint:gosec // Secure would need TLS, and the address is on loopback
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}
