package ledgertest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// MustSee records an observation and returns its person.
func MustSee(t testing.TB, l ledger.Ledger, s ledger.Observation) ledger.Person {
	t.Helper()
	p, err := l.Observe(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// BuryOne makes a dead letter, and returns its id.
func BuryOne(t *testing.T, l ledger.Ledger) string {
	t.Helper()
	MustSee(t, l, ledger.Observation{AppID: "wxA", OpenID: "oA", SignedIn: true})
	due, _, err := l.Due(t.Context(), "crm", time.Now(), 1)
	if err != nil || len(due) != 1 {
		t.Fatalf("%d due, %v", len(due), err)
	}
	if err := l.Bury(t.Context(), "crm", due[0].ID, "gone"); err != nil {
		t.Fatal(err)
	}
	return due[0].ID
}

// WantDead fails the test unless the target crm has so many dead letters.
func WantDead(t *testing.T, l ledger.Ledger, want int) {
	t.Helper()
	_, n, err := l.Waiting(t.Context(), "crm")
	all, err2 := l.Dead(t.Context(), "crm", "", 10)
	if n != want || len(all) != want || errors.Join(err, err2) != nil {
		t.Errorf("%d dead, %d listed, %v, %v; want %d", n, len(all), err, err2, want)
	}
}

// AnEvent returns an event in its stored form.
func AnEvent(t testing.TB) (data []byte) {
	t.Helper()
	data, err := ledger.EncodeEvent(&ledger.Event{
		ID: ledger.NewID(), Kind: ledger.Merged, Person: ledger.NewID(), From: ledger.NewID(), Aliases: []string{ledger.NewID(), ledger.NewID()},
		AppID: "wxA", OpenID: `o"\\`, UnionID: "u", At: time.Unix(ledger.MaxTime, 0).UTC(), Scope: "snsapi_base", Reason: `"`,
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// SoundDelivery checks a value read from a store with any content: it must be a
// valid delivery, or ErrCorrupt.
func SoundDelivery(t testing.TB, d ledger.Delivery, err error) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, ledger.ErrCorrupt) {
			t.Fatal(err)
		}
		return
	}
	if again, err := ledger.EncodeEvent(&d.Event); err != nil {
		t.Fatal(err)
	} else if e, err := ledger.DecodeEvent(again); err != nil || !reflect.DeepEqual(e, d.Event) {
		t.Fatalf("%+v came back as %+v, %v", d.Event, e, err)
	}
}
