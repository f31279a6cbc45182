package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

func inactive(t *testing.T, s *subject) {
	s.listen()
	var all []ledger.Person
	for i := range 10 {
		all = append(all, s.see(t, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i), At: at(100 * i)}))
	}
	Indexed(t, s.Ledger)
	ask := func(before time.Time, limit, want int, some ...ledger.Person) {
		t.Helper()
		found, err := s.Ledger.Inactive(t.Context(), before, limit)
		if err != nil || found.Persons != want || !slices.Equal(idsOf(found.Some), idsOf(some)) {
			t.Fatalf("Inactive(%v, %d): %d, %v, %v; want %d, %v", before, limit, found.Persons, idsOf(found.Some), err, want, idsOf(some))
		}
		if want > 0 && !found.Oldest.Equal(all[0].LastSeen) || want == 0 && !found.Oldest.IsZero() {
			t.Errorf("the oldest was seen %v", found.Oldest)
		}
	}
	ask(at(0), 5, 0)
	ask(at(0).Add(time.Second), 5, 1, all[0])
	ask(at(300), 0, 3)
	ask(at(300), 2, 3, all[:2]...)
	ask(at(5000), ledger.MaxInactive, 10, all...)
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "o1", At: at(2000)}) // comes back between show and erase
	for _, c := range []struct {
		id   string
		want bool
	}{{all[0].ID, true}, {all[1].ID, false}, {all[2].ID, true}, {all[3].ID, false}} { // the last was seen at that time, not before
		if erased, err := s.Ledger.EraseInactive(t.Context(), c.id, at(300)); erased != c.want || err != nil {
			t.Errorf("EraseInactive(%s): %v, %v, want %v", c.id, erased, err, c.want)
		}
	}
	for _, id := range []string{all[0].ID, anID, "", "../x"} {
		_, err := s.Ledger.EraseInactive(t.Context(), id, at(9999))
		wantErr(t, "EraseInactive of nobody", err, ledger.ErrNotFound)
	}
	for i, p := range all {
		_, err := s.Ledger.FindOpenID(t.Context(), "wxA", fmt.Sprint("o", i))
		if gone := i == 0 || i == 2; gone != errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("person %d (%s): %v, erased %v", i, p.ID, err, gone)
		}
	}
	if got := s.drain(t, crm); len(got) != 2 || got[0].Kind != ledger.Erased || got[1].Kind != ledger.Erased {
		t.Errorf("events %+v, want two of erased", got)
	}
	if found, err := s.Ledger.Inactive(t.Context(), at(9999), 1); found.Persons != 8 || err != nil {
		t.Errorf("%d persons are left, %v, want 8", found.Persons, err)
	}
}
