package ledgertest

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// personsEnv is the environment variable that sets another number of persons
// for BenchMillion.
const personsEnv = "LEDGER_BENCH_PERSONS"

// listWithin is how long an answer about a million persons may take.
const listWithin = 100 * time.Millisecond

// BenchMillion fills a ledger with a million persons, and measures the answers
// that operators wait for. Each must take less than 100 ms on average.
func BenchMillion(b *testing.B, l ledger.Ledger) {
	n := 1_000_000
	if s := os.Getenv(personsEnv); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < 1000 {
			b.Fatalf("%s=%q: want a number of at least 1000", personsEnv, s)
		}
	}
	begun := time.Now()
	fillPersons(b, l, n)
	b.Logf("%d persons filled in %v", n, time.Since(begun).Round(time.Second))
	ctx := b.Context()
	middle := ledger.SeenBound(millionSeen(n/2)) + anID
	for _, row := range []struct {
		name string
		ask  func(i int) (persons int, err error)
		want int
	}{
		{"list/first page", func(int) (int, error) { some, _, err := l.List(ctx, "", 50); return len(some), err }, 50},
		{"list/500 in the middle", func(int) (int, error) { some, _, err := l.List(ctx, middle, 500); return len(some), err }, 500},
		{"count", func(int) (int, error) { return l.Count(ctx) }, n},
		{"find/openid", func(i int) (int, error) { _, err := l.FindOpenID(ctx, millionApp, millionOpenID(i%n)); return 1, err }, 1},
		{"find/unionid", func(i int) (int, error) { _, err := l.FindUnionID(ctx, millionUnionID(i%n)); return 1, err }, 1},
		{"find/nickname, one", func(i int) (int, error) {
			some, err := l.FindNickname(ctx, fmt.Sprintf("小明 %07d", i%n), 50)
			return len(some), err
		}, 1},
		{"find/nickname, many", func(int) (int, error) { some, err := l.FindNickname(ctx, "小明", 50); return len(some), err }, 50},
		{"inactive/half of them", func(int) (int, error) {
			found, err := l.Inactive(ctx, millionSeen(n/2), 0)
			return found.Persons, err
		}, n / 2},
	} {
		b.Run(row.name, func(b *testing.B) {
			i, longest := 0, time.Duration(0)
			for b.Loop() {
				i += 7919 // another person each time
				begun := time.Now()
				if got, err := row.ask(i); got != row.want || err != nil {
					b.Fatalf("%d, %v, want %d", got, err, row.want)
				}
				longest = max(longest, time.Since(begun))
			}
			if mean := b.Elapsed() / time.Duration(b.N); mean > listWithin {
				b.Errorf("%v, want %v at most", mean, listWithin)
			}
			b.ReportMetric(float64(longest.Microseconds())/1000, "ms-longest")
		})
	}
	begun = time.Now()
	problems, checked := Verified(b, l)
	if len(problems) != 0 || checked < 5*n {
		b.Errorf("%d entries checked, %d problems", checked, len(problems))
	}
	b.Logf("%d entries verified in %v", checked, time.Since(begun).Round(time.Millisecond))
}

const millionApp = "wx0123456789abcdef"

func millionOpenID(i int) string  { return fmt.Sprintf("oABCDEFGHIJKLMNOPQRSTU%06x", i) }
func millionUnionID(i int) string { return fmt.Sprintf("oUNIONIDABCDEFGHIJKLMN%06x", i) }

// millionSeen is when a person was last seen: one every 30 seconds, a year of
// them.
func millionSeen(i int) time.Time { return t0.Add(time.Duration(i-2_000_000) * 30 * time.Second) }

// fillPersons imports persons like those that WeChat makes.
func fillPersons(b *testing.B, l ledger.Ledger, n int) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range 256 {
		wg.Go(func() {
			for i := range next {
				at := millionSeen(i)
				p := ledger.Person{
					ID: ledger.NewID(), UnionID: millionUnionID(i), Version: 1, FirstSeen: at, LastSeen: at, ProfileAt: at,
					Nickname:  fmt.Sprintf("小明 %07d", i),
					AvatarURL: "https://thirdwx.qlogo.cn/mmopen/vi_32/Q0j4TwGTfTLabcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnop/132",
					Accounts:  []ledger.Account{{AppID: millionApp, OpenID: millionOpenID(i), ConsentAt: at, FirstSeen: at, LastSeen: at}},
				}
				if err := l.Import(b.Context(), p); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		if b.Failed() {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
	Indexed(b, l)
}
