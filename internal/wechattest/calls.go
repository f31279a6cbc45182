package wechattest

import (
	"slices"
	"sync"
	"time"
)

// Call is one request to the API host. It contains no secret.
type Call struct {
	Time    time.Time
	Path    string // as in /sns/oauth2/access_token
	AppID   string // "" if it is not an account's
	Errcode int    // in the answer; 0 is success
	Fault   string // the quirk that fired, such as "Hang"; "" for none
}

// callLog keeps the newest calls, and counts all.
type callLog struct {
	mu    sync.Mutex
	calls []Call
	next  int
	count map[string]int
}

func (l *callLog) add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == nil {
		l.count = map[string]int{}
	}
	l.count[c.Path]++
	if len(l.calls) < maxCalls {
		l.calls = append(l.calls, c)
		return
	}
	l.calls[l.next] = c
	l.next = (l.next + 1) % maxCalls
}

// Calls returns the newest 10 000 calls to existing endpoints of the API host,
// oldest first. A call is listed before its answer is sent.
func (s *Server) Calls() []Call {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return slices.Concat(s.calls.calls[s.calls.next:], s.calls.calls[:s.calls.next])
}

// CountCalls returns the number of calls to a path of the API host, such as
// "/sns/oauth2/access_token", or to the endpoint with that name, such as
// AtToken.
func (s *Server) CountCalls(path string) int {
	for _, e := range endpoints {
		if e.name == path {
			path = e.path
		}
	}
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return s.calls.count[path]
}

// quota counts the calls of this minute.
type quota struct {
	mu     sync.Mutex
	minute time.Time
	used   map[[2]string]int
}

// overQuota counts a call of an account against Quirks.QuotaPerMinute.
func (s *Server) overQuota(appID, at string) bool {
	limit := s.quirks.copy().QuotaPerMinute
	return limit > 0 && s.quota.exceeded(appID, at, limit)
}

// exceeded counts a call for an account at an endpoint.
func (q *quota) exceeded(appID, endpoint string, limit int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := time.Now().Truncate(time.Minute); q.used == nil || !now.Equal(q.minute) {
		q.minute, q.used = now, map[[2]string]int{}
	}
	key := [2]string{appID, endpoint}
	q.used[key]++
	return q.used[key] > limit
}
