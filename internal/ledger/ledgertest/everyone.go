package ledgertest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// everyone is about the end of all sessions of all persons.
var everyone = []contract{
	{"ended everyone: known and unknown persons, and guests", endEveryone},
	{"ended everyone: of two ends the later counts", endEveryoneAndOne},
	{"ended everyone: it moves to another store", moveEveryone},
	{"ended everyone: it is no person", everyoneIsNoPerson},
}

// wantEnded fails unless the sessions of these persons are over up to a time,
// now and after a restart.
func (s *subject) wantEnded(t *testing.T, want map[string]time.Time) {
	t.Helper()
	for range 2 {
		for id, at := range want {
			if got := s.Ledger.PersonEnded(id); !got.Equal(at) {
				t.Errorf("%q ended at %v, want %v", id, got, at)
			}
		}
		s.Reopen(t)
	}
}

func endEveryone(t *testing.T, s *subject) {
	a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	s.wantEnded(t, map[string]time.Time{a.ID: {}, anID: {}, "": {}})
	s.endPerson(t, ledger.Everyone, at(10).Add(900*time.Millisecond), soon())
	b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", At: at(1)}) // who comes later has no older session
	s.wantEnded(t, map[string]time.Time{a.ID: at(10), b.ID: at(10), anID: at(10), "": at(10)})
	if s.Ledger.Unwritten([16]byte{1}, a.ID) {
		t.Error("it counts as unwritten")
	}
	if p := s.find(t, a.ID); p.Version != a.Version {
		t.Error("it changed a person")
	}
}

func endEveryoneAndOne(t *testing.T, s *subject) {
	before, after := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA"}), s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oB"})
	s.endPerson(t, before.ID, at(5), soon())
	s.endPerson(t, after.ID, at(15), soon())
	s.endPerson(t, ledger.Everyone, at(10), soon())
	s.endPerson(t, ledger.Everyone, at(8), soon())
	s.wantEnded(t, map[string]time.Time{before.ID: at(10), after.ID: at(15), anID: at(10), "": at(10)})
	until := time.Now().Add(2 * time.Second).Truncate(time.Second)
	s.endPerson(t, anID, at(20), until)
	time.Sleep(time.Until(until) + 10*time.Millisecond)
	s.wantEnded(t, map[string]time.Time{anID: at(10)}) // its own has expired
}

func moveEveryone(t *testing.T, s *subject) {
	want := ledger.Tombstone{Person: ledger.Everyone, At: at(10), Until: soon()}
	s.endPerson(t, ledger.Everyone, want.At, want.Until)
	s.wantGraves(t, want)
	line, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var back ledger.Tombstone
	if err := json.Unmarshal(line, &back); err != nil || back != want {
		t.Fatalf("%s is read as %+v, %v", line, back, err)
	}
	back.At = at(12)
	s.bring(t, back)
	s.wantEnded(t, map[string]time.Time{anID: at(12), "": at(12)})
}

// Attack: a file makes a person of this id, and whoever ends that person's
// sessions signs everyone out.
func everyoneIsNoPerson(t *testing.T, s *subject) {
	_, err := s.Ledger.Find(t.Context(), ledger.Everyone)
	wantErr(t, "Find", err, ledger.ErrNotFound)
	wantErr(t, "Erase", s.Ledger.Erase(t.Context(), ledger.Everyone), ledger.ErrNotFound)
	for name, set := range map[string]func(p *ledger.Person){
		"its id":          func(p *ledger.Person) { p.ID = ledger.Everyone },
		"an id of before": func(p *ledger.Person) { p.Merged = []string{ledger.Everyone} },
	} {
		p := aPerson()
		set(&p)
		wantErr(t, "Import of "+name, s.Ledger.Import(t.Context(), p), ledger.ErrInvalid)
	}
	if n := len(s.all(t)); n != 0 {
		t.Errorf("%d persons", n)
	}
}
