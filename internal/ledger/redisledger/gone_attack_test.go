package redisledger

import (
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

const endedID = "abcdefghijklmnopqrstuvwxyz"

// wantEndedBy checks that what a person signs in from now on is not over, and
// that what was signed in before is.
func wantEndedBy(t *testing.T, l ledger.Ledger, began time.Time) {
	t.Helper()
	if got := l.PersonEnded(endedID); got.After(time.Now()) || got.Before(began.Truncate(time.Second)) {
		t.Errorf("the sessions are over up to %v, want between %v and now, %v", got, began, time.Now())
	}
}

// Attack: a gateway whose clock is ahead, or a writer of Redis, ends a person's
// sessions of next year. The others, and those that start later, let the person
// in.
func TestEndInTheFutureInRedis(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		began := time.Now()
		r := testRedis(t, b.Client(), "", nil)
		e := ledger.PersonEnd{At: began.Add(24 * time.Hour).Unix(), Until: began.Add(48 * time.Hour).Unix()}
		word, change := personTombstone(endedID, e), newBatch()
		change.end(word, e.Until)
		change.endNews = string(sayEnded) + word
		ahead := New(Options{Client: b.Client()}) // writes what its clock says
		if _, _, err := ahead.write(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the end", func() bool { return !r.PersonEnded(endedID).IsZero() })
		wantEndedBy(t, r, began)
		wantEndedBy(t, testRedis(t, b.Client(), "", nil), began)
	})
}

func TestEndInTheFutureByImportIntoRedis(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		began := time.Now().Truncate(time.Second)
		r, other := testRedis(t, b.Client(), "", nil), testRedis(t, b.Client(), "", nil)
		g := ledger.Tombstone{Person: endedID, At: began.Add(24 * time.Hour), Until: began.Add(48 * time.Hour)}
		if err := r.ImportEnded(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the end", func() bool { return !other.PersonEnded(endedID).IsZero() })
		wantEndedBy(t, r, began)
		wantEndedBy(t, other, began)
		err := r.WalkEnded(t.Context(), func(g ledger.Tombstone) error {
			if g.At.After(time.Now()) {
				t.Errorf("kept up to %v", g.At)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
