package redisledger

import (
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// TestRedisEveryoneEndedElsewhere: one instance ends the sessions of everyone,
// and another knows it within a second, for persons and for guests.
func TestRedisEveryoneEndedElsewhere(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		a, z := testRedis(t, b.Client(), "", nil), testRedis(t, b.Client(), "", nil)
		begun := time.Now()
		if err := a.EndPerson(t.Context(), ledger.Everyone, begun, begun.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		for _, person := range []string{endedID, ""} {
			eventually(t, "the end", func() bool { return z.PersonEnded(person).Equal(begun.UTC().Truncate(time.Second)) })
		}
		wantSoon(t, "the end", time.Since(begun), time.Second)
	})
}
