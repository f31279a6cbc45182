package ledgertest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// tombstones is about ends that are moved to another store: a copied cookie
// must stay worthless there.
var tombstones = []contract{
	{"ended: what is walked is what is kept, exactly", walkEnded},
	{"ended: the walk ends with the first error", walkEndedEnds},
	{"ended: all comes back, again and again", importEnded},
	{"ended: an import is of one id, and later times win", importEndedOne},
	{"ended: what has passed is left out", endedPassed},
	{"ended: what no ledger kept is refused", importEndedInvalid},
}

// soon returns a whole second about an hour ahead.
func soon() time.Time { return time.Now().Add(time.Hour).Truncate(time.Second).UTC() }

// graves returns the walked tombstones, without repetitions.
func (s *subject) graves(t *testing.T) map[ledger.Tombstone]bool {
	t.Helper()
	all := map[ledger.Tombstone]bool{}
	if err := s.Ledger.WalkEnded(t.Context(), func(g ledger.Tombstone) error { all[g] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func (s *subject) wantGraves(t *testing.T, want ...ledger.Tombstone) {
	t.Helper()
	got := s.graves(t)
	for _, g := range want {
		if !got[g] {
			t.Errorf("%+v is missing", g)
		}
		delete(got, g)
	}
	for g := range got {
		t.Errorf("%+v is too much", g)
	}
}

func (s *subject) endSession(t *testing.T, id byte, until time.Time) {
	t.Helper()
	if err := s.Ledger.EndSession(t.Context(), [16]byte{id}, until); err != nil {
		t.Fatal(err)
	}
}

func (s *subject) endPerson(t *testing.T, id string, when, until time.Time) {
	t.Helper()
	if err := s.Ledger.EndPerson(t.Context(), id, when, until); err != nil {
		t.Fatal(err)
	}
}

func (s *subject) bring(t *testing.T, g ledger.Tombstone) {
	t.Helper()
	if err := s.Ledger.ImportEnded(t.Context(), g); err != nil {
		t.Fatalf("ImportEnded(%+v): %v", g, err)
	}
}

func walkEnded(t *testing.T, s *subject) {
	s.wantGraves(t)
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(2)}) // b is merged into it
	until := soon()
	s.endSession(t, 1, until)
	s.endSession(t, 2, until.Add(time.Millisecond)) // rounded up
	s.endPerson(t, a.ID, at(10).Add(900*time.Millisecond), until)
	s.endPerson(t, anID, at(7), until) // of no person, but there may have been one
	for range 2 {
		s.wantGraves(t,
			ledger.Tombstone{Session: [16]byte{1}, Until: until},
			ledger.Tombstone{Session: [16]byte{2}, Until: until.Add(time.Second)},
			ledger.Tombstone{Person: a.ID, At: at(10), Until: until},
			ledger.Tombstone{Person: b.ID, At: at(10), Until: until},
			ledger.Tombstone{Person: anID, At: at(7), Until: until})
		s.Reopen(t)
	}
}

func walkEndedEnds(t *testing.T, s *subject) {
	for id := range byte(3) {
		s.endSession(t, id, soon())
	}
	s.endPerson(t, anID, at(0), soon())
	enough, n := errors.New("enough"), 0
	wantErr(t, "WalkEnded", s.Ledger.WalkEnded(t.Context(), func(ledger.Tombstone) error { n++; return enough }), enough)
	if n != 1 {
		t.Errorf("%d calls after an error", n-1)
	}
	// fn may use the ledger
	err := s.Ledger.WalkEnded(t.Context(), func(g ledger.Tombstone) error { return s.Ledger.ImportEnded(t.Context(), g) })
	if err != nil || len(s.graves(t)) != 4 {
		t.Errorf("%d tombstones, %v", len(s.graves(t)), err)
	}
}

func importEnded(t *testing.T, s *subject) {
	until := soon()
	want := []ledger.Tombstone{
		{Session: [16]byte{1, 0xff}, Until: until},
		{Session: [16]byte{}, Until: until.AddDate(0, 1, 0)},
		{Person: anID, At: at(3), Until: until},
		{Person: aPerson().ID, At: time.Unix(0, 0).UTC(), Until: until},
	}
	for range 3 {
		for _, g := range want {
			line, err := json.Marshal(g)
			if err != nil {
				t.Fatal(err)
			}
			var back ledger.Tombstone
			if err := json.Unmarshal(line, &back); err != nil || back != g || !ledger.IsTombstone(line) {
				t.Fatalf("%s is read as %+v, %v", line, back, err)
			}
			s.bring(t, back)
		}
		for range 2 {
			if !s.Ledger.Ended([16]byte{1, 0xff}) || !s.Ledger.Ended([16]byte{}) || s.Ledger.Ended([16]byte{1}) {
				t.Error("the sessions are not those that were ended")
			}
			if got := s.Ledger.PersonEnded(anID); !got.Equal(at(3)) {
				t.Errorf("the person's sessions are over up to %v", got)
			}
			s.wantGraves(t, want...)
			s.Reopen(t)
		}
	}
	if n := len(s.all(t)); n != 0 {
		t.Errorf("%d persons", n)
	}
}

// A session of the surviving record that was never ended must not end because
// the other record's were, before the merge.
func importEndedOne(t *testing.T, s *subject) {
	b := s.see(t, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u", At: at(1)})
	s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
	a := s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u", At: at(2)})
	other := b.ID
	if a.ID == b.ID {
		other = a.Merged[0]
	}
	until := soon()
	s.bring(t, ledger.Tombstone{Person: other, At: at(5), Until: until})
	s.bring(t, ledger.Tombstone{Person: other, At: at(4), Until: until.Add(-time.Minute)}) // an older export
	s.bring(t, ledger.Tombstone{Session: [16]byte{1}, Until: until.Add(-30 * time.Minute)})
	s.bring(t, ledger.Tombstone{Session: [16]byte{1}, Until: until})
	for range 2 {
		if got := s.Ledger.PersonEnded(other); !got.Equal(at(5)) {
			t.Errorf("ended up to %v, want %v", got, at(5))
		}
		if got := s.Ledger.PersonEnded(a.ID); !got.IsZero() {
			t.Errorf("the survivor's sessions are over up to %v", got)
		}
		got := s.graves(t)
		if !got[ledger.Tombstone{Person: other, At: at(5), Until: until}] || !got[ledger.Tombstone{Session: [16]byte{1}, Until: until}] {
			t.Errorf("the later ones are not kept: %+v", got)
		}
		s.Reopen(t)
	}
}

func endedPassed(t *testing.T, s *subject) {
	past := time.Now().Add(-time.Minute).Truncate(time.Second)
	s.bring(t, ledger.Tombstone{Session: [16]byte{1}, Until: past})
	s.bring(t, ledger.Tombstone{Person: anID, At: past, Until: past})
	s.wantGraves(t)
	soon := time.Now().Add(2 * time.Second).Truncate(time.Second)
	s.endSession(t, 2, soon)
	s.endPerson(t, anID, past, soon)
	time.Sleep(time.Until(soon) + 10*time.Millisecond)
	s.wantGraves(t)
	if s.Ledger.Ended([16]byte{1}) || s.Ledger.Ended([16]byte{2}) || !s.Ledger.PersonEnded(anID).IsZero() {
		t.Error("what has passed still holds")
	}
}

func importEndedInvalid(t *testing.T, s *subject) {
	until := soon()
	for name, g := range map[string]ledger.Tombstone{
		"nothing":              {},
		"no until":             {Session: [16]byte{1}},
		"a part of a second":   {Session: [16]byte{1}, Until: until.Add(time.Millisecond)},
		"before 1970":          {Session: [16]byte{1}, Until: time.Unix(-1, 0)},
		"the year 10000":       {Session: [16]byte{1}, Until: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"a session with at":    {Session: [16]byte{1}, At: at(0), Until: until},
		"no id":                {Person: "../../etc/passwd", At: at(0), Until: until},
		"more than one word":   {Person: "abcdefghijklmnopqrstuvwxy ", At: at(0), Until: until},
		"both":                 {Person: anID, Session: [16]byte{1}, At: at(0), Until: until},
		"a person without at":  {Person: anID, Until: until},
		"a person before 1970": {Person: anID, At: time.Unix(-1, 0), Until: until},
	} {
		wantErr(t, name, s.Ledger.ImportEnded(t.Context(), g), ledger.ErrInvalid)
	}
	s.wantGraves(t)
	if s.Ledger.Ended([16]byte{1}) || !s.Ledger.PersonEnded(anID).IsZero() {
		t.Error("a refused import ended something")
	}
}
