package sessiontest

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// Suite describes a store to the contract.
type Suite struct {
	// New returns an empty store with a policy. It stops what it starts with
	// t.Cleanup.
	New func(t *testing.T, p session.Policy) session.Store

	// Peer returns another instance over the same keys and storage, as a second
	// gateway would have. Nil means that the store is its own peer.
	Peer func(t *testing.T, s session.Store) session.Store

	// Settle waits until an end has reached the peer. Nil means that it has
	// when End returns.
	Settle func()

	// Wait lets time pass. Nil means that each case runs in its own synctest
	// bubble, where sleeping takes no time.
	Wait func(d time.Duration)

	// Tick is the unit of the durations in the suite. A real Wait needs two
	// seconds or more, because sessions count whole seconds. Zero means an
	// hour.
	Tick time.Duration
}

// Run runs the contract, all cases side by side.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	var all sync.WaitGroup
	for _, c := range cases {
		if s.Wait != nil {
			// Not t.Parallel: cases mostly wait and use no processor, but
			// -parallel would count them as if they did.
			all.Go(func() { t.Run(c.name, func(t *testing.T) { c.run(t, s.subject(t)) }) })
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { c.run(t, s.subject(t)) })
		})
	}
	all.Wait()
}

// subject is a store under test.
type subject struct {
	session.Store
	peer   session.Store
	policy session.Policy
	tick   time.Duration
	wait   func(time.Duration)
	settle func()
}

func (s Suite) subject(t *testing.T) subject {
	t.Helper()
	tick := s.Tick
	if tick == 0 {
		tick = time.Hour
	}
	out := subject{
		policy: session.Policy{Idle: 4 * tick, Lifetime: 10 * tick},
		tick:   tick,
		wait:   s.Wait,
		settle: s.Settle,
	}
	if out.settle == nil {
		out.settle = func() {}
	}
	if out.wait == nil {
		out.wait = time.Sleep
	}
	out.Store = s.New(t, out.policy)
	out.peer = out.Store
	if s.Peer != nil {
		out.peer = s.Peer(t, out.Store)
	}
	return out
}

// site is the binding of most cases.
var site = session.Binding{Site: "https://shop.example.com", AppID: "wx0123456789abcdef", Audience: session.Cookie}

// visitor returns a new session as a sign-in makes it.
func visitor() *session.Session {
	return session.New(site, strings.Repeat("p", 26), "o6_bmjrPTlm6_2sgVt7hMZOPfL2M", session.ScopeBase)
}

// mustSave saves a session.
func (s subject) mustSave(t *testing.T, v *session.Session) string {
	t.Helper()
	value, err := s.Save(t.Context(), v)
	if err != nil {
		t.Fatalf("Save: %v", err)
	}
	checkValue(t, value)
	return value
}

// mustRenew renews a session.
func (s subject) mustRenew(t *testing.T, v *session.Session) string {
	t.Helper()
	value, err := s.Renew(t.Context(), v)
	if err != nil {
		t.Fatalf("Renew: %v", err)
	}
	checkValue(t, value)
	return value
}

// mustEnd ends a session everywhere.
func (s subject) mustEnd(t *testing.T, v *session.Session) {
	t.Helper()
	if err := s.End(t.Context(), v); err != nil {
		t.Fatalf("End: %v", err)
	}
	s.settle()
}

// checkValue checks the form of a value.
func checkValue(t *testing.T, value string) {
	t.Helper()
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if value == "" || len(value) > session.MaxValue || strings.Trim(value, allowed) != "" {
		t.Fatalf("the value %q has a wrong form", value)
	}
}
