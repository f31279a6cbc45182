package boltledger

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

func benchPerson(b *testing.B) (*Ledger, ledger.Person) {
	l := testBolt(b, testPath(b))
	return l, mustSee(b, l, ledger.Observation{
		AppID: "wx0123456789abcdef", OpenID: "oABCDEFGHIJKLMNOPQRSTUVWXYZ0", UnionID: "oUNIONIDABCDEFGHIJKLMNOPQRST",
		Consent: true, Profile: &ledger.Profile{Nickname: "小明", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/vi_32/abc/132"},
	})
}

func BenchmarkFindCached(b *testing.B) {
	l, p := benchPerson(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Find(b.Context(), p.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFindOpenID(b *testing.B) {
	l, p := benchPerson(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.FindOpenID(b.Context(), p.Accounts[0].AppID, p.Accounts[0].OpenID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSeeAgain is the sign-in of somebody seen within the hour: no write.
func BenchmarkSeeAgain(b *testing.B) {
	l, p := benchPerson(b)
	s := ledger.Observation{AppID: p.Accounts[0].AppID, OpenID: p.Accounts[0].OpenID, UnionID: p.UnionID}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Observe(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEnded(b *testing.B) {
	l, _ := benchPerson(b)
	for i := range 1000 {
		l.ended.Add([16]byte{byte(i), byte(i >> 8)}, ledger.Span{Until: time.Now().Add(time.Hour).Unix()})
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if l.Ended([16]byte{1, 2, 3}) {
				b.Error("ended")
			}
		}
	})
}

// BenchmarkFirstSignIn: one at a time, and a thousand at once (time for one of
// them).
func BenchmarkFirstSignIn(b *testing.B) {
	var n atomic.Int64
	observation := func() ledger.Observation { return ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", n.Add(1))} }
	b.Run("alone", func(b *testing.B) {
		l := testBolt(b, testPath(b))
		for b.Loop() {
			mustSee(b, l, observation())
		}
	})
	b.Run("thousand", func(b *testing.B) {
		l := testBolt(b, testPath(b))
		for b.Loop() {
			var wg sync.WaitGroup
			for range 1000 {
				wg.Go(func() { mustSee(b, l, observation()) })
			}
			wg.Wait()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/sign-in")
	})
}
