package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// FuzzSee lets WeChat answer anything at all, in any order, and checks what must hold even then: the file does not
// contradict itself; whoever was shown under a unionid is never shown under another; and what was said under one
// unionid is never read under another.
func FuzzSee(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 0, 1, 1, 0, 0, 2, 1, 1})
	f.Add([]byte{0x00, 0x10, 0x11, 0x01, 0x21, 0x02, 0x12, 0x22, 0x00, 0x33})
	f.Add([]byte("the quick brown fox jumps over the lazy dog, many times over"))
	f.Fuzz(func(t *testing.T, script []byte) {
		b := testBolt(t, testPath(t))
		b.file.db.NoSync = true
		unionIDs := map[string]string{} // id → unionid it was once shown with
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, c := range script[:min(len(script), 60)] {
			s := Sighting{AppID: fmt.Sprint("wx", c&3), OpenID: fmt.Sprint("o", c>>2&3), At: at}
			if u := c >> 4 & 3; u > 0 {
				s.UnionID = fmt.Sprint("u", u)
				if b.believes(t, s) { // else what is said is the openid's alone
					s.Profile = &Profile{Nickname: s.UnionID}
				}
			}
			s.Consent, at = c&0x40 != 0, at.Add(time.Duration(c>>7)*2*time.Hour)
			p := mustSee(t, b, s)
			if !p.Holds(s.AppID, s.OpenID) {
				t.Fatalf("%+v gives %+v", s, p)
			}
			if p.UnionID != "" && s.UnionID != "" && p.UnionID != s.UnionID {
				t.Fatalf("%+v gives the person of another unionid: %+v", s, p)
			}
			if _, ok := unionIDs[p.ID]; !ok {
				unionIDs[p.ID] = ""
			}
			for id, was := range unionIDs {
				q, err := b.Find(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if was != "" && q.UnionID != was {
					t.Fatalf("the id shown with %q now has %q", was, q.UnionID)
				}
				if q.UnionID != "" && q.Nickname != "" && q.Nickname != q.UnionID {
					t.Fatalf("what was said under %q is read under %q", q.Nickname, q.UnionID)
				}
				unionIDs[id] = q.UnionID
			}
		}
		if err := b.check(); err != nil {
			t.Fatal(err)
		}
	})
}

// believes reports whether a sighting's unionid will be believed.
func (b *Bolt) believes(t *testing.T, s Sighting) (yes bool) {
	err := b.file.view(func(tx *bolt.Tx) error {
		byOpenID, err := absent(tables{tx}.byOpenID(s.AppID, s.OpenID))
		if err != nil {
			return err
		}
		byUnionID, err := absent(tables{tx}.byUnionID(s.UnionID))
		v := judge(byOpenID, byUnionID, &s)
		yes = v != doubt && v != createApart && v != moveApart
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return yes
}

func FuzzPersonJSON(f *testing.F) {
	p := Person{
		ID: "abcdefghijklmnopqrstuvwxyz", UnionID: "u", Version: 1, FirstSeen: moment(1), LastSeen: moment(2),
		Accounts: []Account{{AppID: "wxA", OpenID: "oA", FirstSeen: moment(1), LastSeen: moment(2)}},
	}
	line, err := json.Marshal(p)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{line, []byte("{}"), []byte("null"), []byte(`{"id":"x"} {}`), bytes.ReplaceAll(line, []byte("wxA"), []byte("\u2028"))} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var p, q Person
		if err := p.UnmarshalJSON(data); err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		n, err := p.normal()
		if err != nil {
			t.Fatalf("read, but no person: %v", err)
		}
		if _, err := encode(&n); err != nil {
			t.Fatalf("read, but cannot be kept: %v", err)
		}
		back, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(back, &q); err != nil || !reflect.DeepEqual(n, q) {
			t.Fatalf("%+v came back as %+v, %v", n, q, err)
		}
	})
}

// FuzzRedisMessage: whatever comes in on the channel, or stands in the store as a tombstone, does no harm.
func FuzzRedisMessage(f *testing.F) {
	id := "abcdefghijklmnopqrstuvwxyz"
	for _, seed := range []string{
		"n" + "ABCDEFGHIJKL:" + id + "," + id, "t:" + id, "n:", "n:,", "b:1", "b:-9223372036854775808", "e",
		"e" + sessionTombstone([16]byte{1}, 5) + " " + personTombstone(id, goneUntil{1, maxTime}), "es.1", "ep..", "e ", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		r := &Redis{}
		r.channel.now.Store(&span{since: time.Now()})
		r.near.add(id, nearEntry{person: Person{ID: id}}, 0, 1)
		r.receive(message)
		if !r.channel.works(time.Now(), time.Second) {
			t.Error("a message broke the channel")
		}
		if len(r.gone.of) != 0 || len(r.ended.until) != 0 {
			t.Error("a message ended something")
		}
		for word := range r.announced.words {
			if q, ok := parseTombstone(word); !ok || q.e.until <= 0 || q.e.until > maxTime {
				t.Errorf("%q is to be looked up", word)
			}
		}
		if len(r.announced.words) > maxAnnounced {
			t.Errorf("%d tombstones are to be looked up", len(r.announced.words))
		}
	})
}

func FuzzUnstamp(f *testing.F) {
	data, err := encode(&Person{ID: "abcdefghijklmnopqrstuvwxyz", UnionID: "u", Version: 1, FirstSeen: moment(1), LastSeen: moment(2)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKL"+string(data))
	f.Add("x", "")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, id, value string) {
		s, err := unstamp(id, value, func(*Person) bool { return true })
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		if s.person != nil && (s.person.ID != id || len(s.stamp) != stampLength) {
			t.Errorf("%q is %+v", id, s)
		}
	})
}
