package ledgertest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// crowds is about many calls at once.
var crowds = []contract{
	{"a thousand at once see one unionid in four accounts", thousand},
	{"a crowd with late unionids: each human is one person at the end, without data of others", crowd},
}

func thousand(t *testing.T, s *subject) {
	apps := []string{"wxA", "wxB", "wxC", "wxD"}
	var wg sync.WaitGroup
	ids := make([]string, 1000)
	start := make(chan struct{})
	for i := range ids {
		wg.Go(func() {
			<-start
			in := ledger.Observation{AppID: apps[i%4], OpenID: "o" + apps[i%4], UnionID: "u", At: at(i % 7)}
			if p, err := s.Ledger.Observe(t.Context(), in); err != nil {
				t.Error(err)
			} else {
				ids[i] = p.ID
			}
		})
	}
	close(start)
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("two persons: %s and %s", ids[0], id)
		}
	}
	p := s.find(t, ids[0])
	if len(p.Accounts) != 4 || len(p.Merged) != 0 || p.UnionID != "u" {
		t.Errorf("person = %+v", p)
	}
	s.same(t, p)
}

// crowd lets humans with four openids each sign in at once, first silently,
// then with their unionid. In any order, each human must be one person at the
// end, and every id ever returned must lead to its human.
func crowd(t *testing.T, s *subject) {
	const humans, apps = 40, 4
	type given struct {
		id    string
		human int
	}
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		out []given
	)
	see := func(human, app int, unionID string) {
		wg.Go(func() {
			in := ledger.Observation{
				AppID: fmt.Sprint("wx", app), OpenID: fmt.Sprint("o", app, "-", human), UnionID: unionID, At: at(rand.IntN(60)),
				Profile: &ledger.Profile{Nickname: fmt.Sprint("human ", human)}, Consent: true,
			}
			p, err := s.Ledger.Observe(t.Context(), in)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, given{p.ID, human})
		})
	}
	for _, n := range rand.Perm(humans * apps) {
		human, app := n/apps, n%apps
		see(human, app, "")
		see(human, app, fmt.Sprint("u", human))
	}
	wg.Wait()
	for _, g := range out {
		p := s.find(t, g.id)
		if p.UnionID != fmt.Sprint("u", g.human) || p.Nickname != fmt.Sprint("human ", g.human) {
			t.Fatalf("an id given to human %d leads to %q (%q)", g.human, p.UnionID, p.Nickname)
		}
	}
	for human := range humans {
		p, err := s.Ledger.FindUnionID(t.Context(), fmt.Sprint("u", human))
		if err != nil || len(p.Accounts) != apps {
			t.Fatalf("human %d: %+v, %v", human, p, err)
		}
		s.same(t, p)
	}
}
