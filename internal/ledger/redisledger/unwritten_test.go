package redisledger

import (
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// Attack: an end holds in memory alone, and is taken for stored.
func TestAttackEndInMemoryAloneIsTakenForStored(t *testing.T) {
	t.Parallel()
	s := redistest.Standalone(t, redistest.Options{AppendOnly: true})
	r := testRedis(t, outageClient(t, s), "", nil)
	p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	id, until := [16]byte{7}, time.Now().Add(time.Hour)
	ends := map[string]struct {
		end     func() error
		session [16]byte
		person  string
	}{
		"a session": {func() error { return r.EndSession(t.Context(), id, until) }, id, ""},
		"a person":  {func() error { return r.EndPerson(t.Context(), p.ID, time.Now(), until) }, [16]byte{}, p.ID},
		"a withdrawal": {func() error {
			_, _, err := r.Withdraw(t.Context(), ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA", End: true, Until: until})
			return err
		}, [16]byte{}, p.ID},
		"an import": {func() error {
			return r.ImportEnded(t.Context(), ledger.Tombstone{Session: [16]byte{9}, Until: until.Truncate(time.Second)})
		}, [16]byte{9}, ""},
	}
	for _, name := range []string{"a session", "a person", "a withdrawal", "an import"} {
		e := ends[name]
		if r.Unwritten(e.session, e.person) {
			t.Errorf("%s is unwritten before it was tried", name)
		}
		// Redis answers those who read, and takes no writes.
		do("config", "set", "maxmemory", "1")(s)
		if err := e.end(); err == nil || !r.Unwritten(e.session, e.person) {
			t.Errorf("%s: %v, taken for stored", name, err)
		}
		do("config", "set", "maxmemory", "0")(s)
		if err := e.end(); err != nil || r.Unwritten(e.session, e.person) {
			t.Errorf("%s: %v, not taken for stored", name, err)
		}
	}
}
