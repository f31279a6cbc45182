package redisledger

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// FuzzRedisMessage: whatever comes in on the channel, or stands in the store as
// a tombstone, does no harm.
func FuzzRedisMessage(f *testing.F) {
	id := "abcdefghijklmnopqrstuvwxyz"
	for _, seed := range []string{
		"n" + "ABCDEFGHIJKL:" + id + "," + id, "t:" + id, "n:", "n:,", "b:1", "b:-9223372036854775808", "e",
		"e" + sessionTombstone([16]byte{1}, 5) + " " + personTombstone(id, ledger.PersonEnd{At: 1, Until: ledger.MaxTime}), "es.1", "ep..", "e ", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		r := New(Options{})
		r.near.add(id, cacheEntry{person: ledger.Person{ID: id}}, 0, 1)
		listener{r}.Receive(message)
		if len(r.ends.persons.All()) != 0 || len(r.ends.sessions.All()) != 0 {
			t.Error("a message ended something")
		}
		for word := range r.ends.announced.words {
			if q, ok := parseTombstone(word); !ok || q.e.Until <= 0 || q.e.Until > ledger.MaxTime {
				t.Errorf("%q is to be looked up", word)
			}
		}
		if len(r.ends.announced.words) > maxAnnounced {
			t.Errorf("%d tombstones are to be looked up", len(r.ends.announced.words))
		}
	})
}

func FuzzUnstamp(f *testing.F) {
	data, err := ledger.EncodePerson(&ledger.Person{ID: "abcdefghijklmnopqrstuvwxyz", UnionID: "u", Version: 1, FirstSeen: time.Unix(1, 0), LastSeen: time.Unix(2, 0)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKL"+string(data))
	f.Add("x", "")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, id, value string) {
		s, err := unstamp(id, value, func(*ledger.Person) bool { return true })
		if err != nil && !errors.Is(err, ledger.ErrCorrupt) {
			t.Fatal(err)
		}
		if s.person != nil && (s.person.ID != id || len(s.stamp) != stampLength) {
			t.Errorf("%q is %+v", id, s)
		}
	})
}

// FuzzRedisOutbox: whatever stands in Redis, reading it gives a sound delivery
// or ErrCorrupt.
func FuzzRedisOutbox(f *testing.F) {
	entry := "000001700000000" + ledger.PersonLine(ledger.NewID()) + string(ledgertest.AnEvent(f))
	f.Add("", "", entry)
	f.Add("", "1 2 3 why", entry)
	f.Add("0000000000000001 5 3 2 why\n"+entry, "1 2 -3 ", "")
	f.Add("0000000000000001 5 3 2 \n", "9999999999999999999 0 0 x", strings.Repeat("0", 42))
	f.Fuzz(func(t *testing.T, value, state, entry string) {
		d, err := parseDelivery(state, entry)
		ledgertest.SoundDelivery(t, d, err)
		d, err = parseDead(value)
		ledgertest.SoundDelivery(t, d, err)
	})
}

// FuzzTombstoneWord: what can be a line of a ledger comes back from Redis as it
// was.
func FuzzTombstoneWord(f *testing.F) {
	f.Add([]byte(`{"ended_session":"000102030405060708090a0b0c0d0e0f","until":"2026-04-01T00:00:00Z"}`))
	f.Add([]byte(`{"ended_person":"abcdefghijklmnopqrstuvwxyz","at":"2026-03-01T00:00:00Z","until":"2026-04-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var g ledger.Tombstone
		if g.UnmarshalJSON(line) != nil {
			return
		}
		word := sessionTombstone(g.Session, g.Until.Unix())
		want := tombstone{session: g.Session, e: ledger.PersonEnd{Until: g.Until.Unix()}}
		if g.Person != "" {
			want = tombstone{person: g.Person, e: ledger.PersonEnd{At: g.At.Unix(), Until: g.Until.Unix()}}
			word = personTombstone(g.Person, want.e)
		}
		if got, ok := parseTombstone(word); !ok || got != want {
			t.Fatalf("in Redis it is %s, read as %+v", word, got)
		}
	})
}
