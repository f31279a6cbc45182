package ledger

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The notice of an erasure is stored so that a gateway of an earlier version
// can read it, as long as the person had one openid. The largest one fits.
func TestErasureRecord(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(`"`, maxIdentifier)
	p := Person{ID: NewID(), UnionID: long}
	for i := range maxMerged {
		p.Merged = append(p.Merged, NewID())
		p.Accounts = append(p.Accounts, Account{AppID: fmt.Sprint(i, long[:maxIdentifier-2]), OpenID: long})
	}
	for name, n := range map[string]int{"none": 0, "one": 1, "two": 2, "the most": maxAccounts} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := p.Clone()
			p.Accounts = p.Accounts[:n]
			e := Erasure(&p)
			if len(e.Accounts) != n || e.UnionID != long || len(e.Aliases) != maxMerged || !ValidID(e.ID) || time.Since(e.At) > time.Minute {
				t.Errorf("%+v", e)
			}
			data, err := EncodeEvent(&e)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := DecodeEvent(data); err != nil || !reflect.DeepEqual(got, e) {
				t.Errorf("%+v, %v\nwant %+v", got, err, e)
			}
			if readable := !strings.Contains(string(data), `"c":`); readable != (n < 2) {
				t.Errorf("an earlier gateway can read it: %t; %.300s", readable, data)
			}
		})
	}
}

func TestErasureRecordRefused(t *testing.T) {
	t.Parallel()
	const good = `{"i":"abcdefghijklmnopqrstuvwxyz","k":"erased","t":1,"c":[{"a":"wx1","o":"o1"},{"a":"wx2","o":"o2"}]}`
	if _, err := DecodeEvent([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"another kind":   strings.Replace(good, "erased", "merged", 1),
		"one account":    strings.Replace(good, `,{"a":"wx2","o":"o2"}`, "", 1),
		"both forms":     strings.Replace(good, `"t"`, `"a":"wx1","o":"o1","t"`, 1),
		"no openid":      strings.Replace(good, `,"o":"o2"`, "", 1),
		"a bad openid":   strings.Replace(good, `"o2"`, `"o 2"`, 1),
		"a bad app id":   strings.Replace(good, `"wx2"`, `""`, 1),
		"too many":       strings.Replace(good, `{"a"`, strings.Repeat(`{"a":"wx","o":"o"},`, 64)+`{"a"`, 1),
		"a newer field":  strings.Replace(good, `"o2"`, `"o2","x":1`, 1),
		"not a list":     strings.Replace(good, `[`, `{"x":[`, 1),
		"a nested event": strings.Replace(good, `"o2"`, `{}`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := DecodeEvent([]byte(data)); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Which older events an erasure leaves in a queue.
func TestSupersession(t *testing.T) {
	t.Parallel()
	var targets Targets
	targets.Set([]Target{{Name: "all"}, {Name: "wants", Kinds: []EventKind{SignedIn, Erased}}, {Name: "not", Kinds: []EventKind{SignedIn, Revoked}}})
	held, left := AccountID{"wx1", "o1"}, AccountID{"wx1", "o2"}
	notice := &Event{Kind: Erased, Accounts: []AccountID{held}}
	for name, row := range map[string]struct {
		target       string
		leave        bool
		held, unheld []EventKind // that stay
	}{
		"gets all events":   {"all", false, nil, []EventKind{Revoked, Cancelled, ProfileChanged}},
		"wants the notice":  {"wants", false, nil, []EventKind{Revoked, Cancelled, ProfileChanged}},
		"does not want it":  {"not", false, outlasting, outlasting},
		"is not configured": {"gone", true, nil, []EventKind{Revoked, Cancelled, ProfileChanged}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := targets.Supersede(row.target, notice)
			if s.Leave != row.leave {
				t.Errorf("the notice is left: %t", s.Leave)
			}
			for about, want := range map[AccountID][]EventKind{held: row.held, {}: row.held, left: row.unheld} {
				var got []EventKind
				for _, kind := range []EventKind{Merged, Revoked, Cancelled, ProfileChanged, Linked, Erased, SignedIn, Declined, LoggedOut} {
					if s.Stays(kind, about) {
						got = append(got, kind)
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("of %v stay %v, want %v", about, got, want)
				}
			}
		})
	}
}
