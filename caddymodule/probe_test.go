package caddymodule

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
)

// testProbe is a probe of a local ledger and a session store that answers as
// ping does.
func testProbe(t *testing.T, ping func(context.Context) error) *probe {
	t.Helper()
	book, err := boltledger.Open(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	p := &probe{ledger: &measuredLedger{Ledger: book}, ping: ping}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Attack: a store that hangs, whatever its timeout says, holds up those who
// read the metrics, and each of them leaves a question behind.
func TestAttackProbeOfAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		wakes := make(chan struct{})
		p := testProbe(t, func(context.Context) error {
			asked.Add(1)
			<-wakes
			return nil
		})
		p.state.sessions, p.state.ledger = true, true // it worked until now
		for range 100 {
			begun := time.Now()
			state := p.read()
			if took := time.Since(begun); took > probePatience {
				t.Fatalf("a scrape took %v", took)
			}
			if time.Since(p.begun) > probeTimeout && (state.sessions || state.ledger) {
				t.Fatal("a store that hangs is up")
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times at once", n)
		}
		close(wakes)
		synctest.Wait()
		time.Sleep(probeEvery)
		if state := p.read(); !state.sessions || !state.ledger {
			t.Error("it answers again and is down")
		}
		p.close()
		n := asked.Load()
		time.Sleep(2 * probeEvery)
		p.read()
		if asked.Load() != n {
			t.Error("a closed probe asks")
		}
	})
}

// However often the metrics are read, a store is asked every few seconds.
func TestProbeAsksSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		p := testProbe(t, func(context.Context) error { asked.Add(1); return nil })
		for range 1000 {
			p.read()
			time.Sleep(10 * time.Millisecond)
		}
		if n := asked.Load(); n < 1 || n > 3 {
			t.Errorf("asked %d times in 10 s", n)
		}
		p.close()
	})
}

// As long as the ledger has not told the number of persons, it is not 0: that
// would look like a loss. A ledger that fails later leaves the last number.
func TestProbeOfUnknownPersons(t *testing.T) {
	synctest.Test(t, probeOfUnknownPersons) // a slow disk takes no time: each scrape has its answers
}

func probeOfUnknownPersons(t *testing.T) {
	p := testProbe(t, nil)
	defer p.close()
	var answer error
	p.count = func(context.Context) (int, error) { return 7, answer }
	for _, step := range []struct {
		name   string
		answer error
		want   float64
	}{
		{"indexes are built", ledger.ErrIndexing, math.NaN()},
		{"counted", nil, 7},
		{"fails", ledger.ErrUnavailable, 7},
	} {
		answer, p.begun = step.answer, time.Time{}
		if got := valueOf(p.read().persons); got != step.want && !(math.IsNaN(got) && math.IsNaN(step.want)) {
			t.Errorf("%s: %v, want %v", step.name, got, step.want)
		}
	}
}

// A local ledger that could not write its last change is down, until a change
// is written.
func TestProbeKnowsAnUnwrittenChange(t *testing.T) {
	synctest.Test(t, probeKnowsAnUnwrittenChange)
}

func probeKnowsAnUnwrittenChange(t *testing.T) {
	p := testProbe(t, nil)
	up := func(want bool) {
		t.Helper()
		p.begun = time.Time{}
		if state := p.read(); state.ledger != want {
			t.Errorf("up: %v, want %v", state.ledger, want)
		}
	}
	up(true)
	p.ledger.wrote(callObserve, time.Now(), ledger.ErrUnavailable)
	up(false)
	p.ledger.wrote(callObserve, time.Now(), errors.Join(ledger.ErrInvalid))
	up(false) // that says nothing of the file
	p.ledger.wrote(callTell, time.Now(), nil)
	up(true)
	p.close()
}
