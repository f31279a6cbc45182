package ledger

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

var tombstoneLines = []struct{ line, fault string }{
	{`{"ended_session":"000102030405060708090a0b0c0d0e0f","until":"2026-04-01T00:00:00Z"}`, ""},
	{`{"ended_person":"abcdefghijklmnopqrstuvwxyz","at":"2026-03-01T00:00:00Z","until":"2026-04-01T00:00:00Z"}`, ""},
	{`{"ended_session":"0001","until":"2026-04-01T00:00:00Z"}`, "bad ended_session"},
	{`{"ended_session":"secret00secret00secret00secret00","until":"2026-04-01T00:00:00Z"}`, "bad ended_session"},
	{`{"ended_session":"000102030405060708090a0b0c0d0e0f"}`, "bad until"},
	{`{"ended_session":"000102030405060708090a0b0c0d0e0f","until":"2026-04-01T00:00:00.5Z"}`, "bad until"},
	{`{"ended_session":"000102030405060708090a0b0c0d0e0f","at":"2026-03-01T00:00:00Z","until":"2026-04-01T00:00:00Z"}`, "bad at"},
	{`{"ended_person":"secret","at":"2026-03-01T00:00:00Z","until":"2026-04-01T00:00:00Z"}`, "bad ended_person"},
	{`{"ended_person":"abcdefghijklmnopqrstuvwxyz","until":"2026-04-01T00:00:00Z"}`, "bad at"},
	{`{"ended_session":"000102030405060708090a0b0c0d0e0f","ended_person":"abcdefghijklmnopqrstuvwxyz","until":"2026-04-01T00:00:00Z"}`, "either"},
	{`{"ended_session":"","until":"2026-04-01T00:00:00Z"}`, "either"},
	{`{"ended_session":7,"until":"secret"}`, "not a tombstone in JSON"},
	{`{"ended_session":"000102030405060708090a0b0c0d0e0f","until":"2026-04-01T00:00:00Z","secret":1}`, "not a tombstone in JSON"},
}

func TestTombstoneLines(t *testing.T) {
	t.Parallel()
	for _, c := range tombstoneLines {
		var g Tombstone
		err := json.Unmarshal([]byte(c.line), &g)
		if !IsTombstone([]byte(c.line)) {
			t.Errorf("%s is not taken for a tombstone", c.line)
		}
		if c.fault == "" {
			if back, again := json.Marshal(g); err != nil || again != nil || string(back) != c.line {
				t.Errorf("%s: %v, written as %s, %v", c.line, err, back, again)
			}
			continue
		}
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.fault) || strings.Contains(err.Error(), "secret") || g != (Tombstone{}) {
			t.Errorf("%s: %v, want ErrInvalid with %q", c.line, err, c.fault)
		}
	}
	for _, line := range []string{"", "null", "[]", `{"id":"abcdefghijklmnopqrstuvwxyz"}`, `{"nickname":"ended_session"}`, `{"ended_session"`} {
		if IsTombstone([]byte(line)) {
			t.Errorf("%q is taken for a tombstone", line)
		}
	}
}

// FuzzTombstone: whatever a line is, it is refused without being repeated, or
// comes back as what was written.
func FuzzTombstone(f *testing.F) {
	for _, c := range tombstoneLines {
		f.Add([]byte(c.line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var g Tombstone
		if err := g.UnmarshalJSON(line); err != nil {
			if !errors.Is(err, ErrInvalid) || len(err.Error()) > 100 {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		written, err := json.Marshal(g)
		var back Tombstone
		if err != nil || json.Unmarshal(written, &back) != nil || back != g || !IsTombstone(written) {
			t.Fatalf("%q is %+v, written as %s, %v, and read as %+v", line, g, written, err, back)
		}
		if g.Until.Before(time.Unix(0, 0)) {
			t.Fatalf("holds until %v", g.Until)
		}
	})
}
