package ledgertest

import (
	"sync"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// identities is about the id of the store itself.
var identities = []contract{
	{"a store has one id of its own", func(t *testing.T, s *subject) {
		of := func() string {
			t.Helper()
			id, err := s.Ledger.(ledger.Identified).Identity(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		// All who ask at once get the same answer.
		var all sync.WaitGroup
		got := make([]string, 8)
		for i := range got {
			all.Go(func() {
				id, err := s.Ledger.(ledger.Identified).Identity(t.Context())
				if err != nil {
					t.Error(err)
				}
				got[i] = id
			})
		}
		all.Wait()
		first := of()
		for _, id := range got {
			if id != first || !ledger.ValidID(id) {
				t.Errorf("Identity gives %q and %q", id, first)
			}
		}
		s.see(t, ledger.Observation{AppID: "wxA", OpenID: "oA", At: at(0)})
		s.Reopen(t)
		if again := of(); again != first {
			t.Errorf("opened again it is %q, and was %q", again, first)
		}
	}},
}
