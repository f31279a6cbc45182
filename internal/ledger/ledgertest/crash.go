package ledgertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// CrowdForEver signs people in as fast as it can, silently and with unionid,
// lets some withdraw their consent, and prints each operation once the ledger
// has reported it as stored, as "app id, openid, unionid, person, what
// happened".
func CrowdForEver(l ledger.Ledger) {
	l.SetTargets([]ledger.Target{{Name: "crm"}})
	must := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				human, app := rand.IntN(300), rand.IntN(4)
				s := ledger.Observation{
					AppID: fmt.Sprint("wx", app), OpenID: fmt.Sprint("o", app, "-", human), Consent: rand.IntN(2) == 0, SignedIn: true,
				}
				if rand.IntN(2) == 0 {
					s.UnionID = fmt.Sprint("u", human)
				}
				p, err := l.Observe(context.Background(), s)
				must(err)
				fmt.Printf("%s,%s,%s,%s,%s\n", s.AppID, s.OpenID, s.UnionID, p.ID, ledger.SignedIn)
				if rand.IntN(10) > 0 {
					continue
				}
				p, _, err = l.Withdraw(context.Background(), ledger.Withdrawal{
					Key: ledger.NewID(), Kind: ledger.Revoked, AppID: s.AppID, OpenID: s.OpenID, Consent: true, End: true, Until: time.Now().Add(time.Hour),
				})
				must(err)
				fmt.Printf("%s,%s,,%s,%s\n", s.AppID, s.OpenID, p.ID, ledger.Revoked)
			}
		})
	}
	wg.Wait()
}

// AllTold checks that no event for crm was lost: every merge in the ledger, and
// every operation that was reported as stored, has a waiting event, and no
// other event waits.
func AllTold(t *testing.T, l ledger.Ledger, p *Posted, reported []string, killed int) {
	t.Helper()
	merged, told, total := map[string]int{}, map[string]int{}, 0
	for _, d := range p.Waiting {
		switch d.Kind {
		case ledger.Merged:
			merged[d.From]++
		case ledger.SignedIn, ledger.Revoked:
			told[fmt.Sprint(d.AppID, ",", d.OpenID, ",", d.Kind)]++
			total++
		}
	}
	err := l.Walk(t.Context(), func(p ledger.Person) error {
		for _, id := range p.Merged {
			if merged[id] != 1 {
				t.Errorf("a merge is in the ledger, and %d times in the outbox", merged[id])
			}
			delete(merged, id)
		}
		return nil
	})
	if err != nil || len(merged) > 0 {
		t.Errorf("merges that did not happen: %v, %v", merged, err)
	}
	want := map[string]int{}
	for _, line := range reported {
		f := strings.Split(line, ",")
		want[f[0]+","+f[1]+","+f[4]]++
	}
	for what, n := range want {
		if told[what] < n {
			t.Errorf("%q was kept %d times and is told %d times", what, n, told[what])
		}
	}
	if most := len(reported) + 16*killed; total > most { // 16 calls were running when the process was killed
		t.Errorf("%d events, at most %d happened", total, most)
	}
}
