package redisledger

import (
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// What was changed just before an instance began to listen, and was in its
// memory already, is seen soon: not only when the next change comes.
func TestRedisSeesWhatChangedBeforeItListened(t *testing.T) {
	t.Parallel()
	b := shared.Standalone(t)
	a := testRedis(t, b.Client(), "", nil)
	id := ledgertest.MustSee(t, a, ledger.Observation{AppID: "wxA", OpenID: "oA"}).ID
	z := New(Options{Client: b.Client(), Timeout: time.Minute, Stale: 2500 * time.Millisecond})
	defer z.Close()
	if _, err := z.Find(t.Context(), id); err != nil { // remembered
		t.Fatal(err)
	}
	want := ledgertest.MustSee(t, a, ledger.Observation{AppID: "wxA", OpenID: "oA", Profile: &ledger.Profile{Nickname: "new"}}).Version
	z.Start()
	eventually(t, "the channel works", func() bool { return z.works(time.Now()) })
	f := &follower{r: z, id: id}
	eventually(t, "the change is seen", func() bool {
		p, err := f.look()
		if err != nil {
			t.Fatal(err)
		}
		return p.Version >= want
	})
}
