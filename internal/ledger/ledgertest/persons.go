package ledgertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// persons is about operations on a whole person: events, end of sessions,
// export, erasure.
var persons = []contract{
	{"events say what others must follow, and nothing else", events},
	{"ended persons: all ids, later times win, kept", endPerson},
	{"erased: nothing is left, and who comes back is new", erase},
	{"export shows everything", exported},
}

func events(t *testing.T, s *subject) {
	s.listen()
	a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", Consent: true, Profile: &ledger.Profile{Nickname: "n"}, At: at(2)})
	s.told(t)
	s.see(t, ledger.Observation{AppID: "wxC", OpenID: "oC", UnionID: "u", At: at(3)})
	s.told(t, ledger.Event{Kind: ledger.Linked, Person: b.ID, AppID: "wxC", OpenID: "oC", At: at(3)})
	for i := range 3 { // a repetition is not an event
		s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(4 + 100*i)})
	}
	s.told(t, ledger.Event{
		Kind: ledger.Merged, Person: a.ID, From: b.ID, Aliases: []string{b.ID},
		AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(4),
	})
	c := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u2", At: at(500)})
	s.told(t, ledger.Event{
		Kind: ledger.Linked, Person: c.ID, From: a.ID, AppID: "wxA", OpenID: "oA", UnionID: "u2", At: at(500),
	})
	s.see(t, ledger.Observation{AppID: "wxD", OpenID: "oD", At: at(501)})
	d := s.see(t, ledger.Observation{AppID: "wxD", OpenID: "oD", UnionID: "u3", At: at(502)})
	s.told(t, ledger.Event{Kind: ledger.Linked, Person: d.ID, AppID: "wxD", UnionID: "u3", At: at(502)})
	before := time.Now().Add(-time.Second)
	if err := s.Ledger.Erase(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	got := s.drain(t, crm)
	if len(got) != 1 || got[0].At.Before(before) || got[0].At.After(time.Now()) {
		t.Fatalf("erased: %+v", got)
	}
	got[0].At, got[0].ID = time.Time{}, ""
	if want := (ledger.Event{
		Kind: ledger.Erased, Person: a.ID, Aliases: []string{b.ID}, UnionID: "u",
		Accounts: []ledger.AccountID{{AppID: "wxB", OpenID: "oB"}, {AppID: "wxC", OpenID: "oC"}},
	}); !reflect.DeepEqual(got[0], want) {
		t.Errorf("erased: %+v, want %+v", got[0], want)
	}
}

func endPerson(t *testing.T, s *subject) {
	a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	other := s.see(t, ledger.Observation{AppID: "wxC", OpenID: "oC", At: at(1)})
	version := a.Version
	a = s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(2)})
	until := time.Now().Add(time.Hour)
	end := func(id string, when, until time.Time) {
		t.Helper()
		if err := s.Ledger.EndPerson(t.Context(), id, when, until); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		end(b.ID, at(10).Add(900*time.Millisecond), until)
	}
	end(a.ID, at(5), until.Add(time.Hour))
	end(anID, at(7), until) // of no person, but there may have been one
	end(other.ID, at(9), time.Now().Add(-time.Second))
	wantErr(t, "EndPerson of no id", s.Ledger.EndPerson(t.Context(), "../x", at(0), until), ledger.ErrNotFound)
	for range 2 {
		for id, want := range map[string]time.Time{a.ID: at(10), b.ID: at(10), anID: at(7), other.ID: {}, "": {}} {
			if got := s.Ledger.PersonEnded(id); !got.Equal(want) {
				t.Errorf("ended at %v, want %v", got, want)
			}
		}
		s.Reopen(t)
	}
	if p := s.find(t, a.ID); p.Version != a.Version || version >= p.Version {
		t.Error("the end of sessions changed the person")
	}
}

func erase(t *testing.T, s *subject) {
	a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(2), Profile: &ledger.Profile{Nickname: "n"}})
	other := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oOther", UnionID: "uOther", At: at(2)})
	s.same(t, p)
	generation := s.Ledger.Generation()
	if err := s.Ledger.Erase(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	if s.Ledger.Generation() <= generation {
		t.Error("the generation did not move")
	}
	for range 2 {
		for _, id := range []string{a.ID, b.ID} {
			_, err := s.Ledger.Find(t.Context(), id)
			wantErr(t, "Find", err, ledger.ErrNotFound)
			_, err = s.Ledger.Export(t.Context(), id)
			wantErr(t, "Export", err, ledger.ErrNotFound)
			wantErr(t, "Erase again", s.Ledger.Erase(t.Context(), id), ledger.ErrNotFound)
		}
		_, err := s.Ledger.FindOpenID(t.Context(), "wxB", "oB")
		wantErr(t, "FindOpenID", err, ledger.ErrNotFound)
		_, err = s.Ledger.FindUnionID(t.Context(), "u")
		wantErr(t, "FindUnionID", err, ledger.ErrNotFound)
		s.Reopen(t)
	}
	wantErr(t, "Erase of no id", s.Ledger.Erase(t.Context(), "../x"), ledger.ErrNotFound)
	s.same(t, other)
	again := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(3)})
	if again.ID == a.ID || again.ID == b.ID || again.Nickname != "" || len(again.Accounts) != 1 || len(again.Merged) != 0 {
		t.Errorf("the returning visitor is %+v", again)
	}
	s.same(t, again)
}

func exported(t *testing.T, s *subject) {
	b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u<&>", At: at(0)})
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(1)})
	p := s.see(t, ledger.Observation{
		AppID: "wxA", OpenID: "oA", UnionID: "u<&>", At: at(2), Consent: true,
		Profile: &ledger.Profile{Nickname: "小明\u2028", AvatarURL: "https://a.example/?a=1&b=2"},
	})
	data, err := s.Ledger.Export(t.Context(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{p.ID, p.Merged[0], `"oA"`, `"oB"`, "wxA", "wxB", "小明", "2026-03-01T08:02:00Z", "consent_at"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the export lacks %q:\n%s", want, data)
		}
	}
	var back ledger.Person
	if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("back as %+v, %v, want %+v", back, err, p)
	}
	for _, bad := range [][]byte{
		bytes.Replace(data, []byte(`"id"`), []byte(`"ID2"`), 1), bytes.Replace(data, []byte(p.ID), []byte("me"), 1),
		bytes.Replace(data, []byte("wxB"), []byte("wxA"), 1), []byte("{}"), []byte("null"), []byte(`{"id":`),
	} {
		if err := json.Unmarshal(bad, new(ledger.Person)); err == nil {
			t.Errorf("taken for a person: %s", bad)
		} else if !errors.Is(err, ledger.ErrInvalid) && json.Valid(bad) {
			t.Errorf("%v, want ErrInvalid", err)
		}
	}
}
