package health

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	fresh    = time.Second // how long a result is used
	patience = time.Second // how long a check may take
)

// probe makes one check, once at a time, and remembers its result.
type probe struct {
	Check

	mu      sync.Mutex
	last    Result  // zero before the first result
	running *flight // nil if no check runs
}

// flight is a check that runs.
type flight struct {
	begun time.Time
	ended chan struct{}
}

// begin starts a check, unless one runs already (then it is joined) or the last
// result is fresh (then nil is returned).
func (p *probe) begin() *flight {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.running != nil {
		return p.running
	}
	if !p.last.At.IsZero() && now.Sub(p.last.At) < fresh {
		return nil
	}
	f := &flight{begun: now, ended: make(chan struct{})}
	p.running = f
	go p.fly(f)
	return f
}

// fly makes the check. It does not depend on the request that caused it: others
// wait for it, too.
func (p *probe) fly(f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := p.Run(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.record(f, err)
	p.running = nil
	close(f.ended)
}

// result waits for a flight, at most until patience is over.
func (p *probe) result(f *flight) Result {
	if f != nil {
		timer := time.NewTimer(patience - time.Since(f.begun))
		defer timer.Stop()
		select {
		case <-f.ended:
		case <-timer.C:
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if f != nil && p.running == f {
		p.record(f, ErrLate)
	}
	return p.last
}

// record keeps a result. The caller holds mu.
func (p *probe) record(f *flight, err error) {
	now := time.Now()
	next := Result{Part: p.Part, State: OK, Err: err, Since: now, At: now, Took: now.Sub(f.begun)}
	switch {
	case errors.Is(err, ErrUnknown):
		next.State = Unknown
	case err != nil:
		next.State = Failed
	}
	if next.State == p.last.State {
		next.Since = p.last.Since
	}
	p.last = next
}
