package ledgertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// listCrowd lets persons come, change and go while others list, search, count
// and verify. Persons who stay are in every list exactly once.
func listCrowd(t *testing.T, s *subject) {
	var stay []string
	for i := range 40 {
		stay = append(stay, s.named(t, fmt.Sprint("oStay", i), fmt.Sprint("stay ", i), -i).ID)
	}
	slices.Sort(stay)
	Indexed(t, s.Ledger)
	var writers, readers sync.WaitGroup
	var done atomic.Bool
	for w := range 8 {
		writers.Go(func() { s.churn(t, w) })
	}
	for _, read := range []func(){
		func() {
			var got []string
			for _, p := range s.pages(t, 7) {
				if strings.HasPrefix(p.Nickname, "stay") {
					got = append(got, p.ID)
				}
			}
			if slices.Sort(got); !slices.Equal(got, stay) {
				t.Errorf("the list has %d of %d persons who stay", len(got), len(stay))
			}
		},
		func() {
			some, err := s.Ledger.FindNickname(t.Context(), "STAY ", 500)
			if len(some) != len(stay) || err != nil {
				t.Errorf("%d are found by nickname, %v, want %d", len(some), err, len(stay))
			}
		},
		func() {
			if problems, _ := Verified(t, s.Ledger); len(problems) != 0 {
				t.Errorf("verified while others write: %+v", problems)
			}
		},
	} {
		readers.Go(func() {
			for read(); !done.Load() && !t.Failed(); read() {
			}
		})
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	n, err := s.Ledger.Count(t.Context())
	if all := s.all(t); len(all) != n || err != nil {
		t.Errorf("Count: %d, %v; there are %d", n, err, len(all))
	}
}

// churn changes persons at random, in ways that merge, move and erase them.
func (s *subject) churn(t *testing.T, w int) {
	for i := range 60 {
		who := rand.IntN(12)
		in := ledger.Observation{
			AppID: fmt.Sprint("wx", rand.IntN(3)), OpenID: fmt.Sprint("o", who), At: at(rand.IntN(5000)),
			Consent: true, Profile: &ledger.Profile{Nickname: fmt.Sprint("name ", rand.IntN(5))},
		}
		if rand.IntN(2) == 0 {
			in.UnionID = fmt.Sprint("u", who)
		}
		p, err := s.Ledger.Observe(t.Context(), in)
		if err != nil {
			t.Errorf("writer %d, %d: %v", w, i, err)
			return
		}
		switch rand.IntN(6) {
		case 0:
			err = s.Ledger.Erase(t.Context(), p.ID)
		case 1:
			_, err = s.Ledger.EraseInactive(t.Context(), p.ID, at(2500))
		case 2:
			w := ledger.Withdrawal{Kind: ledger.Cancelled, AppID: in.AppID, OpenID: in.OpenID, Account: rand.IntN(2) == 0, Profile: true, Consent: true}
			_, _, err = s.Ledger.Withdraw(t.Context(), w)
		}
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("writer %d, %d: %v", w, i, err)
			return
		}
	}
}
