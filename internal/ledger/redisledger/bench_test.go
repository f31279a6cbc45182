package redisledger

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

func benchRedis(b *testing.B) (*Ledger, ledger.Person) {
	o := redistest.Standalone(b, redistest.Options{}).Universal()
	o.ContextTimeoutEnabled = true
	c := redis.NewUniversalClient(o)
	b.Cleanup(func() { c.Close() })
	r := testRedis(b, c, "", nil)
	return r, ledgertest.MustSee(b, r, ledger.Observation{
		AppID: "wx0123456789abcdef", OpenID: "oABCDEFGHIJKLMNOPQRSTUVWXYZ0", UnionID: "oUNIONIDABCDEFGHIJKLMNOPQRST",
		Consent: true, Profile: &ledger.Profile{Nickname: "小明", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/vi_32/abc/132"},
	})
}

func BenchmarkRedisFindCached(b *testing.B) {
	r, p := benchRedis(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Find(b.Context(), p.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRedisFindOpenID(b *testing.B) {
	r, p := benchRedis(b)
	for b.Loop() {
		if _, err := r.FindOpenID(b.Context(), p.Accounts[0].AppID, p.Accounts[0].OpenID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRedisSeeAgain is the sign-in of somebody seen within the hour: one
// round trip, no write.
func BenchmarkRedisSeeAgain(b *testing.B) {
	r, p := benchRedis(b)
	s := ledger.Observation{AppID: p.Accounts[0].AppID, OpenID: p.Accounts[0].OpenID, UnionID: p.UnionID}
	for b.Loop() {
		ledgertest.MustSee(b, r, s)
	}
}

func BenchmarkRedisGeneration(b *testing.B) {
	r, _ := benchRedis(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Generation()
		}
	})
}

// BenchmarkRedisFirstSignIn: one at a time, and a thousand at once (time for
// one of them). Also what a person takes.
func BenchmarkRedisFirstSignIn(b *testing.B) {
	var n atomic.Int64
	observation := func() ledger.Observation {
		return ledger.Observation{
			AppID: "wx0123456789abcdef", OpenID: fmt.Sprintf("oABCDEFGHIJKLMNOPQR%09d", n.Add(1)),
			UnionID: fmt.Sprintf("oUNIONIDABCDEFGHIJK%09d", n.Load()), Consent: true,
			Profile: &ledger.Profile{Nickname: "小明", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/vi_32/Q0j4TwGTfTLabcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnop/132"},
		}
	}
	b.Run("alone", func(b *testing.B) {
		r, _ := benchRedis(b)
		for b.Loop() {
			ledgertest.MustSee(b, r, observation())
		}
	})
	b.Run("thousand", func(b *testing.B) {
		r, _ := benchRedis(b)
		before, from := usedMemory(b, r), n.Load()
		for b.Loop() {
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() { ledgertest.MustSee(b, r, observation()) })
			}
			wg.Wait()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n.Load()-from), "ns/sign-in")
		b.ReportMetric(float64(usedMemory(b, r)-before)/float64(n.Load()-from), "B/person")
	})
}

func usedMemory(b *testing.B, r *Ledger) (n int64) {
	m, err := r.Client.InfoMap(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Sscan(m["Memory"]["used_memory"], &n); err != nil {
		b.Fatal(err)
	}
	return n
}
