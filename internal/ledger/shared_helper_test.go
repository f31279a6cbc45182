package ledger

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

func mustSeeIn(t testing.TB, l Ledger, s Sighting) Person {
	t.Helper()
	p, err := l.See(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// buryOne makes a dead letter, and returns its id.
func buryOne(t *testing.T, l Ledger) string {
	t.Helper()
	mustSeeIn(t, l, Sighting{AppID: "wxA", OpenID: "oA", SignedIn: true})
	due, _, err := l.Due(t.Context(), "crm", time.Now(), 1)
	if err != nil || len(due) != 1 {
		t.Fatalf("%d due, %v", len(due), err)
	}
	if err := l.Bury(t.Context(), "crm", due[0].ID, "gone"); err != nil {
		t.Fatal(err)
	}
	return due[0].ID
}

func wantDead(t *testing.T, l Ledger, want int) {
	t.Helper()
	_, n, err := l.Waiting(t.Context(), "crm")
	all, err2 := l.Dead(t.Context(), "crm", "", 10)
	if n != want || len(all) != want || errors.Join(err, err2) != nil {
		t.Errorf("%d dead, %d listed, %v, %v; want %d", n, len(all), err, err2, want)
	}
}

// anEvent is one as a store keeps it.
func anEvent(t testing.TB) (data []byte) {
	t.Helper()
	data, err := encodeEvent(&Event{
		ID: newID(), Kind: Merged, Person: newID(), From: newID(), Aliases: []string{newID(), newID()},
		AppID: "wxA", OpenID: `o"\\`, UnionID: "u", At: time.Unix(maxTime, 0).UTC(), Scope: "snsapi_base", Reason: `"`,
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// soundDelivery checks what was read of a store that may hold anything: a delivery that can be kept, or ErrCorrupt.
func soundDelivery(t testing.TB, d Delivery, err error) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		return
	}
	if again, err := encodeEvent(&d.Event); err != nil {
		t.Fatal(err)
	} else if e, err := decodeEvent(again); err != nil || !reflect.DeepEqual(e, d.Event) {
		t.Fatalf("%+v came back as %+v, %v", d.Event, e, err)
	}
}
