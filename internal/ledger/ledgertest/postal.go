package ledgertest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// postal is about events that cannot be delivered, and about the sender's
// lease.
var postal = []contract{
	{"outbox: dead letters can be seen and sent again", deadLetters},
	{"outbox: dead letters in pages", deadPages},
	{"outbox: what is unknown is no error", unknownEvents},
	{"outbox: full, the oldest are buried, and dead letters bounded", full},
	{"outbox: one sender at a time", lease},
	{"outbox: many write, many send, everything arrives in order", postOffice},
}

func (s *subject) bury(t *testing.T, id, reason string) {
	t.Helper()
	if err := s.Ledger.Bury(t.Context(), crm, id, reason); err != nil {
		t.Fatal(err)
	}
}

func (s *subject) dead(t *testing.T, after string, limit int) []ledger.Delivery {
	t.Helper()
	all, err := s.Ledger.Dead(t.Context(), crm, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (s *subject) counts(t *testing.T, waiting, dead int) {
	t.Helper()
	w, d, err := s.Ledger.Waiting(t.Context(), crm)
	if w != waiting || d != dead || err != nil {
		t.Errorf("%d wait, %d dead, %v; want %d and %d", w, d, err, waiting, dead)
	}
}

func deadLetters(t *testing.T, s *subject) {
	s.listen()
	for range 3 {
		s.signIn(t, "wxA", "oA", "")
	}
	first := s.due(t, crm, later())[0]
	if err := s.Ledger.Postpone(t.Context(), crm, first.ID, time.Now(), "once"); err != nil {
		t.Fatal(err)
	}
	s.bury(t, first.ID, "410 Gone")
	second := s.due(t, crm, later())
	if len(second) != 1 || second[0].ID == first.ID {
		t.Fatalf("after a burial %+v is due", second)
	}
	s.counts(t, 2, 1)
	s.Reopen(t)
	dead := s.dead(t, "", 10)
	if len(dead) != 1 || dead[0].ID != first.ID || dead[0].Attempts != 2 || dead[0].Reason != "410 Gone" || time.Since(dead[0].Next).Abs() > time.Minute {
		t.Fatalf("dead: %+v", dead)
	}
	if n, err := s.Ledger.Redeliver(t.Context(), crm, anID); n != 0 || err != nil {
		t.Errorf("an unknown one: %d, %v", n, err)
	}
	for want := 1; want >= 0; want-- {
		if n, err := s.Ledger.Redeliver(t.Context(), crm, first.ID); n != want || err != nil {
			t.Errorf("%d put back, %v, want %d", n, err, want)
		}
	}
	s.counts(t, 3, 0)
	again := s.due(t, crm, later())
	if len(again) != 1 || again[0].ID != first.ID || again[0].Attempts != 0 || again[0].Reason != "" {
		t.Errorf("due again: %+v", again)
	}
	s.sent(t, crm, first.ID)
	if got := s.due(t, crm, later()); len(got) != 1 || got[0].ID != second[0].ID {
		t.Errorf("then %+v", got)
	}
}

func deadPages(t *testing.T, s *subject) {
	s.listen()
	var ids []string
	for i := range 23 {
		s.signIn(t, "wxA", fmt.Sprint("o", i), "")
	}
	for _, d := range s.due(t, crm, later()) {
		s.bury(t, d.ID, "no")
		ids = append(ids, d.ID)
	}
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		page := s.dead(t, after, 10)
		if len(page) == 0 {
			break
		}
		for _, d := range page {
			got = append(got, d.ID)
		}
	}
	slices.Sort(ids)
	slices.Sort(got)
	if !slices.Equal(got, ids) {
		t.Errorf("%d dead letters, want %d", len(got), len(ids))
	}
	_, err := s.Ledger.Dead(t.Context(), crm, anID, 1)
	wantErr(t, "after an unknown letter", err, ledger.ErrNotFound)
	if n, err := s.Ledger.Redeliver(t.Context(), crm, ""); n != 23 || err != nil {
		t.Errorf("%d put back, %v", n, err)
	}
	s.counts(t, 23, 0)
	if n := len(s.drain(t, crm)); n != 23 {
		t.Errorf("%d delivered", n)
	}
}

func unknownEvents(t *testing.T, s *subject) {
	for _, id := range []string{anID, "", "x", strings.Repeat("x", 1<<16)} {
		s.sent(t, crm, id)
		s.bury(t, id, "x")
		if err := s.Ledger.Postpone(t.Context(), crm, id, time.Now(), "x"); err != nil {
			t.Error(err)
		}
	}
	s.counts(t, 0, 0)
	if n, err := s.Ledger.Redeliver(t.Context(), crm, ""); n != 0 || err != nil {
		t.Error(n, err)
	}
	if dead := s.dead(t, "", 5); len(dead) != 0 {
		t.Error(dead)
	}
}

func full(t *testing.T, s *subject) {
	s.listen()
	s.Limit(5, 3)
	for i := range 12 {
		s.signIn(t, "wxA", fmt.Sprint("o", i), "")
	}
	s.counts(t, 5, 3) // 12 came, 7 were buried, 4 of them forgotten
	var names []string
	for _, d := range s.dead(t, "", 9) {
		names = append(names, d.OpenID)
		if d.Reason == "" || d.Attempts != 0 {
			t.Errorf("buried: %+v", d)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"o4", "o5", "o6"}) {
		t.Errorf("dead: %v", names)
	}
	if got := s.drain(t, crm); len(got) != 5 || got[0].OpenID != "o7" {
		t.Errorf("waiting: %+v", got)
	}
}

func lease(t *testing.T, s *subject) {
	take := func(owner string, want bool) {
		t.Helper()
		if got, err := s.Ledger.Lease(t.Context(), crm, owner, time.Minute); got != want || err != nil {
			t.Errorf("%s: %v, %v", owner, got, err)
		}
	}
	release := func(owner string) {
		t.Helper()
		if err := s.Ledger.Release(t.Context(), crm, owner); err != nil {
			t.Error(err)
		}
	}
	take("a", true)
	take("b", false)
	take("a", true)
	release("b") // b does not have the lease
	take("b", false)
	if got, err := s.Ledger.Lease(t.Context(), "other", "b", time.Minute); !got || err != nil {
		t.Errorf("another target: %v, %v", got, err)
	}
	release("a")
	if got, err := s.Ledger.Lease(t.Context(), crm, "b", 50*time.Millisecond); !got || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) { // b has died
		if got, err := s.Ledger.Lease(t.Context(), crm, "a", time.Minute); err != nil || time.Now().After(end) {
			t.Fatal("the lease does not end", err)
		} else if got {
			break
		}
	}
	for _, owner := range []string{"", "a\nb", strings.Repeat("a", 65)} {
		_, err := s.Ledger.Lease(t.Context(), crm, owner, time.Minute)
		wantErr(t, "a bad owner", err, ledger.ErrInvalid)
	}
	release("a")
	var winners atomic.Int64
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if got, err := s.Ledger.Lease(t.Context(), crm, fmt.Sprint(i), time.Minute); err != nil {
				t.Error(err)
			} else if got {
				winners.Add(1)
			}
		})
	}
	wg.Wait()
	if winners.Load() != 1 {
		t.Errorf("%d owners", winners.Load())
	}
}

// postOffice: visitors sign in, targets come and go, and deliveries fail now
// and then. Every sign-in that a target wanted the whole time arrives once, in
// the order of its person.
func postOffice(t *testing.T, s *subject) {
	const people, times = 12, 15
	s.Ledger.SetTargets([]ledger.Target{{Name: crm}})
	var writers, senders sync.WaitGroup
	for i := range people {
		writers.Go(func() {
			for n := range times {
				in := ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i), At: at(n), SignedIn: true}
				if _, err := s.Ledger.Observe(t.Context(), in); err != nil {
					t.Error(err)
				}
				s.Ledger.SetTargets([]ledger.Target{{Name: crm}, {Name: fmt.Sprint("other", n%2)}})
			}
		})
	}
	var written atomic.Bool
	got := map[string][]time.Time{}
	senders.Go(func() {
		for failed := 0; ; failed++ {
			over := written.Load()
			due, _, err := s.Ledger.Due(t.Context(), crm, later(), 5)
			if err != nil {
				t.Error(err)
				return
			}
			for i, d := range due {
				if (failed+i)%4 == 0 {
					err = s.Ledger.Postpone(t.Context(), crm, d.ID, time.Now(), "busy")
				} else {
					got[d.OpenID] = append(got[d.OpenID], d.At)
					err = s.Ledger.Sent(t.Context(), crm, d.ID)
				}
				if err != nil {
					t.Error(err)
				}
			}
			if over && len(due) == 0 {
				return
			}
		}
	})
	writers.Wait()
	written.Store(true)
	senders.Wait()
	for name, all := range got {
		if len(all) != times || !slices.IsSortedFunc(all, time.Time.Compare) {
			t.Errorf("%s: %d events, or out of order: %v", name, len(all), all)
		}
	}
	if len(got) != people {
		t.Errorf("%d people", len(got))
	}
}
