package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// crashEnv makes the test binary a child that writes until it is killed.
const crashEnv = "LEDGER_CRASH_TEST_FILE"

func crashChild(path string) {
	b, err := OpenBolt(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	crowdForEver(b)
}

// crowdForEver signs people in as fast as it can, silently and with unionid, lets some take back what they gave, and
// prints each once it is told that it is kept, as "app id, openid, unionid, person, what happened".
func crowdForEver(l Ledger) {
	l.SetTargets([]Target{{Name: "crm"}})
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
				s := Sighting{
					AppID: fmt.Sprint("wx", app), OpenID: fmt.Sprint("o", app, "-", human), Consent: rand.IntN(2) == 0, SignedIn: true,
				}
				if rand.IntN(2) == 0 {
					s.UnionID = fmt.Sprint("u", human)
				}
				p, err := l.See(context.Background(), s)
				must(err)
				fmt.Printf("%s,%s,%s,%s,%s\n", s.AppID, s.OpenID, s.UnionID, p.ID, SignedIn)
				if rand.IntN(10) > 0 {
					continue
				}
				p, _, err = l.Withdraw(context.Background(), Withdrawal{
					Key: newID(), Kind: Revoked, AppID: s.AppID, OpenID: s.OpenID, Consent: true, End: true, Until: time.Now().Add(time.Hour),
				})
				must(err)
				fmt.Printf("%s,%s,,%s,%s\n", s.AppID, s.OpenID, p.ID, Revoked)
			}
		})
	}
	wg.Wait()
}

// allTold checks that nothing was lost for crm: every merge that is in the ledger, and whatever was reported as kept,
// waits to be told; and nothing waits that did not happen.
func allTold(t *testing.T, l Ledger, p *posted, reported []string, killed int) {
	t.Helper()
	merged, told, total := map[string]int{}, map[string]int{}, 0
	for _, d := range p.waiting {
		switch d.Kind {
		case Merged:
			merged[d.From]++
		case SignedIn, Revoked:
			told[fmt.Sprint(d.AppID, ",", d.OpenID, ",", d.Kind)]++
			total++
		}
	}
	err := l.Walk(t.Context(), func(p Person) error {
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
	if most := len(reported) + 16*killed; total > most { // 16 were at work when it died
		t.Errorf("%d events, at most %d happened", total, most)
	}
}

// TestCrash kills the process in the middle of its writes, several times over one file. The file must open, must not
// contradict itself, and must hold every sign-in that was reported as kept.
func TestCrash(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	var kept []string
	for round := range 6 {
		kept = append(kept, runUntilKilled(t, path, time.Duration(20+rand.IntN(150))*time.Millisecond)...)
		b := testBolt(t, path)
		if err := b.check(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		p, err := b.posted("crm")
		if err != nil {
			t.Fatal(err)
		}
		allTold(t, b, p, kept, round+1)
		for _, line := range kept {
			f := strings.Split(line, ",")
			p, err := b.FindOpenID(t.Context(), f[0], f[1])
			if err != nil || f[2] != "" && p.UnionID != f[2] {
				t.Fatalf("round %d: the sign-in %q is gone: %+v, %v", round, line, p, err)
			}
			if q, err := b.Find(t.Context(), f[3]); err != nil || q.ID != p.ID {
				t.Fatalf("round %d: the id in %q leads to %s, %v, want %s", round, line, q.ID, err, p.ID)
			}
		}
		b.Close()
	}
	t.Logf("%d sign-ins kept", len(kept))
}

// runUntilKilled starts the child, kills it some time after its first sign-in, and returns what it reported.
func runUntilKilled(t *testing.T, path string, after time.Duration) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	in := bufio.NewReader(out)
	for {
		line, err := in.ReadString('\n')
		if err != nil { // the last line may be cut off
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			break
		}
		if lines = append(lines, strings.TrimSuffix(line, "\n")); len(lines) == 1 {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || len(lines) == 0 {
		t.Fatalf("the child was not killed at work: %v, %d lines", err, len(lines))
	}
	return lines
}
