package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func aBan() Ban {
	return Ban{
		ID: "abcdefghijklmnopqrstuvwxyz", Person: "bbcdefghijklmnopqrstuvwxyz", At: time.Unix(1_780_000_000, 0).UTC(), Key: BanKey{1},
		Apps: []string{"wxA"}, Marks: []Mark{{1}, {2}},
	}
}

func FuzzBan(f *testing.F) {
	line, err := json.Marshal(aBan())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte(`{"ban":"abcdefghijklmnopqrstuvwxyz","version":1}`))
	f.Add([]byte(`{"ban":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b Ban
		if err := b.UnmarshalJSON(data); err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		again, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var back Ban
		if err := back.UnmarshalJSON(again); err != nil || !reflect.DeepEqual(back.Marks, b.Marks) || back.Key != b.Key {
			t.Fatalf("%s came back as %s, %v", data, again, err)
		}
	})
}

// The answer about an unreadable line repeats nothing of it.
func TestBanErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	good, err := json.Marshal(aBan())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"version": {`"version":1`, `"version":31337`},
		"person":  {`"bbcdefghijklmnopqrstuvwxyz"`, `"31337"`},
		"mark":    {`"0100`, `"31337`},
		"field":   {`"apps"`, `"31337"`},
		"app":     {`"wxA"`, `"31337 "`},
	} {
		t.Run(name, func(t *testing.T) {
			line := strings.Replace(string(good), change[0], change[1], 1)
			err := new(Ban).UnmarshalJSON([]byte(line))
			if !errors.Is(err, ErrInvalid) || strings.Contains(err.Error(), "31337") {
				t.Errorf("%s: %v", line, err)
			}
		})
	}
}

// A ban does not grow without end, however many names its person takes up.
func TestBanIsBounded(t *testing.T) {
	t.Parallel()
	var s BanSet
	b := aBan()
	p := Person{ID: b.Person, Accounts: []Account{{AppID: "wxA", OpenID: "o"}}}
	b.cover(&p)
	s.Put(b)
	for i := range 3 * maxBanMarks / maxAccounts {
		p.Accounts = nil
		for j := range maxAccounts {
			p.Accounts = append(p.Accounts, Account{AppID: fmt.Sprint("wx", i, "-", j), OpenID: fmt.Sprint("o", i, "-", j)})
		}
		s.Put(s.Following(&p, false)...)
	}
	got := s.All()[0]
	if len(got.Marks) != maxBanMarks || len(got.Apps) != maxBanApps {
		t.Errorf("%d marks, %d app ids", len(got.Marks), len(got.Apps))
	}
	line, err := json.Marshal(got)
	if err != nil || len(line) > maxBan/2 || got.Check() != nil {
		t.Errorf("%d bytes, %v, %v", len(line), err, got.Check())
	}
	if !s.Has(&p) {
		t.Error("the person is no longer banned")
	}
}

func BenchmarkBanned(b *testing.B) {
	for _, n := range []int{0, 1, 100_000} {
		b.Run(fmt.Sprint(n, " bans"), func(b *testing.B) {
			var s BanSet
			for i := range n {
				ban, err := s.Ban(&Person{ID: NewID(), Accounts: []Account{{AppID: "wxA", OpenID: fmt.Sprint("o", i)}}}, time.Now())
				if err != nil && i < MaxBans {
					b.Fatal(err)
				}
				s.Put(ban...)
			}
			p := Person{ID: NewID(), UnionID: "u", Accounts: []Account{{AppID: "wxA", OpenID: "o"}, {AppID: "wxB", OpenID: "o"}}}
			for b.Loop() {
				if s.Has(&p) {
					b.Fatal("banned")
				}
			}
		})
	}
}
