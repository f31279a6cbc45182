package boltledger

import (
	"fmt"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// FuzzSee lets WeChat answer anything at all, in any order, and checks what
// must hold even then: the file does not contradict itself; whoever was shown
// under a unionid is never shown under another; and what was said under one
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
			s := ledger.Observation{AppID: fmt.Sprint("wx", c&3), OpenID: fmt.Sprint("o", c>>2&3), At: at}
			if u := c >> 4 & 3; u > 0 {
				s.UnionID = fmt.Sprint("u", u)
				if believes(b, t, s) { // else what is said is the openid's alone
					s.Profile = &ledger.Profile{Nickname: s.UnionID}
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
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
	})
}

// believes reports whether a observation's unionid will be believed.
func believes(l *Ledger, t *testing.T, s ledger.Observation) bool {
	s, err := s.Normal()
	if err != nil {
		t.Fatal(err)
	}
	var c ledger.Change
	err = l.file.view(func(tx *bolt.Tx) (err error) {
		c, err = tables{tx}.see(&s, func() (uint64, error) { return 0, nil })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.Person.UnionID == s.UnionID
}
