package ledgertest

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

func banLift(t *testing.T, s *subject) {
	for _, name := range []string{"oA", "u", "the id"} {
		p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(0)})
		if name == "the id" {
			name = p.ID
		}
		s.ban(t, p.ID)
		if err := s.Ledger.Erase(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "Unban of another name", s.Ledger.Unban(t.Context(), "oB"), ledger.ErrNotFound)
		if err := s.Ledger.Unban(t.Context(), name); err != nil {
			t.Errorf("Unban: %v", err)
		}
		s.wantBanned(t, "after it was lifted", false, visitor("wxA", "oA", "u"))
	}
}

func banMoves(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(0)})
	q := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oB", At: at(0)})
	s.ban(t, p.ID)
	s.ban(t, q.ID)
	if err := s.Ledger.Erase(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	exported := s.bansOf(t)
	for _, name := range []string{"oA", "oB"} {
		if err := s.Ledger.Unban(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	own := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oC", At: at(0)})
	s.ban(t, own.ID) // with a key of its own
	for range 3 {
		for _, b := range exported {
			line, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			var back ledger.Ban
			if err := json.Unmarshal(line, &back); err != nil || !ledger.IsBan(line) || ledger.IsTombstone(line) {
				t.Fatalf("%s: %v", line, err)
			}
			if err := s.Ledger.ImportBan(t.Context(), back); err != nil {
				t.Fatalf("ImportBan: %v", err)
			}
		}
		s.wantBanned(t, "the erased person", true, visitor("wxA", "oA", ""))
		s.wantBanned(t, "the known person", true, q)
		s.wantBanned(t, "the ledger's own", true, own)
		if all := s.bansOf(t); len(all) != 3 {
			t.Errorf("the list is %+v", all)
		}
		s.Reopen(t)
	}
}

func banInvalid(t *testing.T, s *subject) {
	good := ledger.Ban{ID: anID, At: at(0), Marks: []ledger.Mark{{1}}}
	for name, change := range map[string]func(*ledger.Ban){
		"no id":              func(b *ledger.Ban) { b.ID = "" },
		"no marks":           func(b *ledger.Ban) { b.Marks = nil },
		"too many marks":     func(b *ledger.Ban) { b.Marks = make([]ledger.Mark, 1025) },
		"a person":           func(b *ledger.Ban) { b.Person = "../x" },
		"no time":            func(b *ledger.Ban) { b.At = at(0).AddDate(-3000, 0, 0) },
		"a part of a second": func(b *ledger.Ban) { b.At = b.At.Add(1) },
		"an app id":          func(b *ledger.Ban) { b.Apps = []string{"wx\x00A"} },
	} {
		b := good
		change(&b)
		wantErr(t, name, s.Ledger.ImportBan(t.Context(), b), ledger.ErrInvalid)
	}
	for i := range byte(16) { // keys
		b := good
		b.ID, b.Key = ledger.NewID(), ledger.BanKey{i}
		if err := s.Ledger.ImportBan(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	wantErr(t, "one more key", s.Ledger.ImportBan(t.Context(), ledger.Ban{ID: ledger.NewID(), Key: ledger.BanKey{99}, At: at(0), Marks: good.Marks}), ledger.ErrTooMany)
	known := s.bansOf(t)[0]
	known.Key = ledger.BanKey{100}
	wantErr(t, "another key", s.Ledger.ImportBan(t.Context(), known), ledger.ErrConflict)
	if all := s.bansOf(t); len(all) != 16 || slices.ContainsFunc(all, func(b ledger.Ban) bool { return b.ID == anID }) {
		t.Errorf("%d bans", len(all))
	}
}

func banGeneration(t *testing.T, s *subject) {
	p := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	before := s.Ledger.Generation()
	s.ban(t, p.ID)
	banned := s.Ledger.Generation()
	if err := s.Ledger.Unban(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	if lifted := s.Ledger.Generation(); before >= banned || banned >= lifted {
		t.Errorf("generations %d, %d, %d do not grow", before, banned, lifted)
	}
}
