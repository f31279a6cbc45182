package health_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/health"
)

// patient is a part that answers what it is told, after a while.
type patient struct {
	mu    sync.Mutex
	err   error
	takes time.Duration
	asked atomic.Int32
	now   atomic.Int32 // checks that run at this moment
	most  atomic.Int32
}

func (p *patient) set(err error, takes time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.takes = err, takes
}

// check is a Check that ignores its context, as a hanging disk does.
func (p *patient) check(part health.Part) health.Check {
	return health.Check{Part: part, Run: func(context.Context) error {
		p.asked.Add(1)
		p.most.Store(max(p.most.Load(), p.now.Add(1)))
		defer p.now.Add(-1)
		p.mu.Lock()
		err, takes := p.err, p.takes
		p.mu.Unlock()
		time.Sleep(takes)
		return err
	}}
}

func TestMonitorStates(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		err   error
		takes time.Duration
		state health.State
		want  error
		after time.Duration
	}{
		"works":          {nil, 0, health.OK, nil, 0},
		"works slowly":   {nil, 900 * time.Millisecond, health.OK, nil, 900 * time.Millisecond},
		"fails":          {broken, 0, health.Failed, broken, 0},
		"hangs":          {nil, time.Minute, health.Failed, health.ErrLate, time.Second},
		"cannot be told": {fmt.Errorf("the store: %w", health.ErrUnknown), 0, health.Unknown, health.ErrUnknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, other := &patient{err: test.err, takes: test.takes}, new(patient)
				m := health.NewMonitor(p.check(health.Store), other.check(health.Keys))
				begun := time.Now()
				report := m.Ask()
				got := report[0]
				if got.Part != health.Store || got.State != test.state || !errors.Is(got.Err, test.want) || time.Since(begun) != test.after || got.Took != test.after {
					t.Errorf("after %v: %+v, want %s after %v", time.Since(begun), got, test.state, test.after)
				}
				if report.Ready() != (test.state == health.OK) {
					t.Errorf("ready is %v with %s", report.Ready(), got.State)
				}
				if report[1].State != health.OK {
					t.Errorf("the other part is %+v", report[1])
				}
				time.Sleep(test.takes) // its goroutine ends
			})
		})
	}
}

// Attack: a flood of requests, while a part hangs and while it works. Each part
// is asked once a second at most, and never twice at a time.
func TestAttackFloodAsksOnceASecond(t *testing.T) {
	for name, test := range map[string]struct {
		takes time.Duration
		asked int32 // in the ten seconds of the flood
	}{
		"works": {10 * time.Millisecond, 10},
		"hangs": {time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &patient{takes: test.takes}
				m := health.NewMonitor(p.check(health.Store))
				var work sync.WaitGroup
				for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(100 * time.Millisecond) {
					for range 10 {
						work.Go(func() {
							sent := time.Now()
							m.Ask()
							if took := time.Since(sent); took > time.Second {
								t.Errorf("a request waited %v", took)
							}
						})
					}
				}
				work.Wait()
				time.Sleep(test.takes)
				if asked := p.asked.Load(); asked != test.asked || p.most.Load() != 1 {
					t.Errorf("asked %d times, %d at a time; want %d and 1", asked, p.most.Load(), test.asked)
				}
			})
		})
	}
}

// A part that hung is found to work when its last check has ended.
func TestMonitorSeesTheEndOfAHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patient{takes: 30 * time.Second}
		m := health.NewMonitor(p.check(health.Ledger))
		m.Ask()
		began := m.Ask()[0].Since
		p.set(nil, 0)
		time.Sleep(10 * time.Second)
		if got := m.Ask()[0]; got.State != health.Failed || !got.Since.Equal(began) || got.Took < 10*time.Second {
			t.Errorf("while it hangs: %+v, failed since %v", got, began)
		}
		time.Sleep(20 * time.Second)
		if got := m.Ask()[0]; got.State != health.OK || got.Err != nil || !got.Since.After(began) {
			t.Errorf("afterwards: %+v", got)
		}
	})
}

// A state has a beginning, however often it is found.
func TestMonitorSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, begun := new(patient), time.Now()
		m := health.NewMonitor(p.check(health.Keys))
		for _, step := range []struct {
			err   error
			since time.Duration
		}{
			{nil, 0},
			{nil, 0},
			{errors.New("one"), 20 * time.Second},
			{errors.New("another"), 20 * time.Second},
			{nil, 40 * time.Second},
		} {
			p.set(step.err, 0)
			got := m.Ask()[0]
			if since := got.Since.Sub(begun); since != step.since || !errors.Is(got.Err, step.err) || !got.At.Equal(time.Now()) {
				t.Errorf("after %v: since %v, want %v: %+v", time.Since(begun), since, step.since, got)
			}
			time.Sleep(10 * time.Second)
		}
	})
}
