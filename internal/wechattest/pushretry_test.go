package wechattest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// wire is a network without one.
type wire func(n int, r *http.Request) (*http.Response, error)

type wired struct {
	wire wire
	n    atomic.Int32
}

func (w *wired) RoundTrip(r *http.Request) (*http.Response, error) {
	return w.wire(int(w.n.Add(1)), r)
}

func answered(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}, nil
}

// silent never answers.
func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// Five seconds for an answer, five seconds between attempts, three attempts.
func TestPushRetries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		wire     wire
		attempts int
		took     time.Duration
		accepted bool
	}{
		{"at once", func(int, *http.Request) (*http.Response, error) { return answered(200, "success") }, 1, 0, true},
		{"empty", func(int, *http.Request) (*http.Response, error) { return answered(200, "") }, 1, 0, true},
		{"late, but in time", func(int, *http.Request) (*http.Response, error) {
			time.Sleep(4 * time.Second)
			return answered(200, "success")
		}, 1, 4 * time.Second, true},
		{"silent", func(_ int, r *http.Request) (*http.Response, error) { return silent(r) }, 3, 15 * time.Second, false},
		{"broken", func(int, *http.Request) (*http.Response, error) { return answered(500, "success") }, 3, 10 * time.Second, false},
		{"forbidden", func(int, *http.Request) (*http.Response, error) { return answered(403, "") }, 3, 10 * time.Second, false},
		{"moved", func(int, *http.Request) (*http.Response, error) { return answered(302, "") }, 3, 10 * time.Second, false},
		{"too long", func(int, *http.Request) (*http.Response, error) {
			return answered(200, "<xml>"+strings.Repeat("<a/>", maxPushAnswer)+"</xml>")
		}, 3, 10 * time.Second, false},
		{"the second", func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return silent(r)
			}
			return answered(200, "success")
		}, 2, 5 * time.Second, true},
		{"the third", func(n int, _ *http.Request) (*http.Response, error) {
			return answered(map[int]int{1: 502, 2: 404, 3: 200}[n], "success")
		}, 3, 10 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t)
				s.pusher.transport = &wired{wire: c.wire}
				if err := s.SetPush(shop, PushSettings{URL: "http://127.0.0.1:1", Token: pushToken}); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				p, err := s.PushUnsubscribe("alice", shop)
				if err != nil || len(p.Attempts) != c.attempts || p.Accepted != c.accepted || !p.Done {
					t.Errorf("%+v, %v", p, err)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %s", took)
				}
				for i, a := range p.Attempts {
					if a.Accepted != (c.accepted && i == len(p.Attempts)-1) || a.Time.Sub(began) != time.Duration(i)*pushWait {
						t.Errorf("attempt %d: %+v", i, a)
					}
				}
				if log := s.Pushes(); len(log) != 1 || len(log[0].Attempts) != c.attempts || log[0].What != "unsubscribe" {
					t.Errorf("%+v", log)
				}
			})
		})
	}
}

// All attempts bring the same message, with a signature of their own.
func TestAttemptsAreTheSameMessage(t *testing.T) {
	t.Parallel()
	s := New(Config{Accounts: newSim(t).Accounts(), Persons: newSim(t).Persons(), PushWait: time.Second})
	defer s.Close()
	in := newInbox(t, s, shop, PushSafe, PushXML)
	in.answer = func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }
	if p, err := s.PushRevoke("alice", shop); err != nil || p.Accepted {
		t.Errorf("%+v, %v", p, err)
	}
	all := in.all()
	if len(all) != 3 || all[0].clear != all[1].clear || all[1].clear != all[2].clear || !all[0].signed || !all[2].signed ||
		all[0].query["nonce"] == all[1].query["nonce"] || all[0].body == all[1].body {
		t.Errorf("%+v", all)
	}
}

// Pushes go to loopback only, whatever the settings say (request forgery).
func TestPushesStayOnLoopback(t *testing.T) {
	t.Parallel()
	s := New(Config{
		Accounts: newSim(t).Accounts(), Persons: newSim(t).Persons(), PushWait: time.Second, AllowReplayHosts: true,
	})
	defer s.Close()
	for _, target := range []string{"http://192.0.2.1/push", "http://[2001:db8::1]/", "https://198.51.100.7:8443/"} {
		if err := s.SetPush(shop, PushSettings{URL: target, Token: pushToken}); err != nil {
			t.Fatal(err)
		}
		p, err := s.CheckPush(shop)
		if err != nil || p.Accepted || !errors.Is(p.Attempts[0].Err, ErrNotLoopback) {
			t.Errorf("%s: %+v, %v", target, p, err)
		}
	}
}

// Close ends what is under way, and nothing starts after it.
func TestCloseEndsPushes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t)
		s.pusher.transport = &wired{wire: func(_ int, r *http.Request) (*http.Response, error) { return silent(r) }}
		if err := s.SetPush(shop, PushSettings{URL: "http://127.0.0.1:1", Token: pushToken}); err != nil {
			t.Fatal(err)
		}
		for range maxPushing {
			if err := s.later(s.follow("alice", shop, false)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.later(s.follow("alice", shop, false)); !errors.Is(err, ErrFull) {
			t.Errorf("one too many: %v", err)
		}
		time.Sleep(6 * time.Second)
		began := time.Now()
		s.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("Close took %s", took)
		}
		if err := s.later(s.follow("alice", shop, false)); !errors.Is(err, ErrFull) {
			t.Errorf("after Close: %v", err)
		}
		if p, err := s.PushUnsubscribe("alice", shop); err != nil || p.Accepted || !p.Done || len(p.Attempts) != 1 {
			t.Errorf("after Close: %+v, %v", p, err)
		}
	})
}

func TestPushLogIsBounded(t *testing.T) {
	t.Parallel()
	var l pushLog
	for range maxPushes + 5 {
		l.begin(outgoing{})
	}
	if len(l.all) != maxPushes || l.all[0].ID != 6 {
		t.Errorf("%d pushes, from %d", len(l.all), l.all[0].ID)
	}
	if p := l.note(1, Attempt{Time: time.Now(), Accepted: true}, "r", true); !p.Accepted || p.Reply != "r" {
		t.Errorf("%+v", p)
	}
}
