package ledgertest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// lists is about questions on many persons.
var lists = []contract{
	{"list: the one last seen first, each once, whatever the page", listPages},
	{"list: a cursor of a person who is gone still leads on", listCursors},
	{"count follows persons who come, merge, move and go", counts},
	{"nickname: what is folded, and in which order", nicknames},
	{"nickname: the index follows every change", nicknameChanges},
	{"inactive: counted, erased as Erase does, and who came back is spared", inactive},
	{"verify finds nothing in a sound ledger, and changes nothing", verifySound},
	{"lists while a crowd writes: nobody is lost, and nothing is left over", listCrowd},
}

// Indexed waits until the indexes of a ledger are built.
func Indexed(t testing.TB, l ledger.Ledger) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		_, _, err := l.List(t.Context(), "", 1)
		if err == nil {
			return
		}
		if !errors.Is(err, ledger.ErrIndexing) || time.Now().After(end) {
			t.Fatalf("the indexes are not built: %v", err)
		}
	}
}

// pages reads the whole list.
func (s *subject) pages(t *testing.T, limit int) (all []ledger.Person) {
	t.Helper()
	Indexed(t, s.Ledger)
	for after := ""; ; {
		some, next, err := s.Ledger.List(t.Context(), after, limit)
		if err != nil || len(some) > limit {
			t.Fatalf("List(%q, %d): %d persons, %v", after, limit, len(some), err)
		}
		all = append(all, some...)
		if next == "" {
			return all
		}
		after = next
	}
}

func idsOf(all []ledger.Person) (ids []string) {
	for _, p := range all {
		ids = append(ids, p.ID)
	}
	return ids
}

func listPages(t *testing.T, s *subject) {
	if all := s.pages(t, 3); len(all) != 0 {
		t.Fatalf("an empty ledger lists %d persons", len(all))
	}
	var want []ledger.Person
	for i := range 25 {
		want = append(want, s.see(t, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i), At: at(i / 4)})) // four in one second
	}
	slices.SortFunc(want, func(a, b ledger.Person) int {
		if c := b.LastSeen.Compare(a.LastSeen); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	for _, limit := range []int{1, 3, 4, 25, 26, ledger.MaxList} {
		if got := s.pages(t, limit); !reflect.DeepEqual(got, want) {
			t.Errorf("pages of %d: %v, want %v", limit, idsOf(got), idsOf(want))
		}
	}
	if some, _, err := s.Ledger.List(t.Context(), "", -1); len(some) != 1 || err != nil {
		t.Errorf("a limit of -1 gives %d persons, %v, want 1", len(some), err)
	}
	back := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "o3", At: at(1000)})
	if all := s.pages(t, 4); all[0].ID != back.ID || len(all) != 25 {
		t.Errorf("%d persons, the first %s; want 25, and %s who was seen last", len(all), all[0].ID, back.ID)
	}
}

func listCursors(t *testing.T, s *subject) {
	for i := range 6 {
		s.see(t, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i), At: at(i)})
	}
	all := s.pages(t, 6)
	some, next, err := s.Ledger.List(t.Context(), "", 2)
	if err != nil || next == "" {
		t.Fatalf("next %q, %v", next, err)
	}
	if err := s.Ledger.Erase(t.Context(), some[1].ID); err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.Ledger.List(t.Context(), next, 9); err != nil || !slices.Equal(idsOf(got), idsOf(all[2:])) {
		t.Errorf("after a person who was erased: %v, %v, want %v", idsOf(got), err, idsOf(all[2:]))
	}
	for _, bad := range []string{"x", anID, strings.Repeat("0", 12), "00000000000x" + anID, strings.Repeat("0", 12) + strings.ToUpper(anID), next + "0", strings.Repeat("9", 1<<16)} {
		_, _, err := s.Ledger.List(t.Context(), bad, 2)
		wantErr(t, fmt.Sprintf("List(%.50q)", bad), err, ledger.ErrInvalid)
	}
}

func counts(t *testing.T, s *subject) {
	want := func(n int) {
		t.Helper()
		Indexed(t, s.Ledger)
		if got, err := s.Ledger.Count(t.Context()); got != n || err != nil {
			t.Errorf("Count: %d, %v, want %d", got, err, n)
		}
	}
	want(0)
	a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(200)})
	s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	want(2)
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(2)}) // merged
	want(1)
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u2", At: at(300)}) // moved to a new person
	want(2)
	s.Reopen(t)
	want(2)
	if err := s.Ledger.Import(t.Context(), aPerson()); err != nil {
		t.Fatal(err)
	}
	want(3)
	if _, _, err := s.Ledger.Withdraw(t.Context(), ledger.Withdrawal{Kind: ledger.Cancelled, AppID: "wxA", OpenID: "oNew", Account: true}); err != nil {
		t.Fatal(err)
	}
	want(2)
	if err := s.Ledger.Erase(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	want(1)
}
