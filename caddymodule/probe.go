package caddymodule

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
)

const (
	// probeEvery is how often a store is asked for its state, however often the
	// metrics are read.
	probeEvery = 5 * time.Second
	// probePatience is how long a scrape waits for the answers.
	probePatience = time.Second
	// probeTimeout bounds all questions together.
	probeTimeout = 3 * time.Second
)

// probe asks the stores of one configuration for what its metrics show. The
// questions run in the background: a store that hangs delays a scrape by
// probePatience at most, and never has more than one round of questions.
type probe struct {
	ledger    *measuredLedger
	ping      func(context.Context) error        // of the session store; nil: it needs no server
	count     func(context.Context) (int, error) // persons; nil: unknown
	file      string                             // of the ledger; "" if it is no file
	targets   []string                           // the webhooks' names
	memory    *site.Memory
	newestKey func() time.Time
	replaced  func() time.Time // when the ledger took the place of another; zero if it did not

	mu     sync.Mutex
	state  probed
	begun  time.Time       // the last round
	round  chan struct{}   // closed when the running round ends; nil between rounds
	ctx    context.Context // of all rounds
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// probed is the last known state.
type probed struct {
	sessions, ledger bool
	persons          *int         // nil: unknown
	hooks            []probedHook // one for each target
}

// probedHook is the state of one webhook's queue.
type probedHook struct {
	waiting, dead int
	oldest        time.Time
	known         bool // the ledger has told it
}

// newProbe returns the probe of a configuration.
func (a *App) newProbe() *probe {
	p := &probe{
		ledger: a.opened.ledger.(*measuredLedger), ping: a.opened.ping, count: a.opened.persons, file: a.opened.file,
		memory: a.opened.memory, newestKey: a.keeper.NewestKey,
		replaced: func() time.Time {
			if at := a.watch.Load().replacedAt(); at != nil {
				return *at
			}
			return time.Time{}
		},
	}
	for _, hook := range a.webhooks {
		p.targets = append(p.targets, hook.target.Name)
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.state.hooks = make([]probedHook, len(p.targets))
	return p
}

// bytes returns the size of the ledger's file, 0 if there is none.
func (p *probe) bytes() int64 {
	if p.file == "" {
		return 0
	}
	info, err := os.Stat(p.file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// read returns the state, which is a few seconds old at most while the stores
// answer.
func (p *probe) read() probed {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.round == nil && p.ctx.Err() == nil && time.Since(p.begun) >= probeEvery {
		p.begun, p.round = time.Now(), make(chan struct{})
		p.work.Go(p.ask)
	}
	if round := p.round; round != nil {
		p.mu.Unlock()
		late := time.NewTimer(probePatience)
		select {
		case <-round:
		case <-late.C:
		}
		late.Stop()
		p.mu.Lock()
	}
	state := p.state
	state.hooks = slices.Clone(state.hooks)
	if p.round != nil && time.Since(p.begun) > probeTimeout {
		state.sessions, state.ledger = false, false // a store does not even keep to its timeout
	}
	return state
}

// ask asks all questions.
func (p *probe) ask() {
	ctx, cancel := context.WithTimeout(p.ctx, probeTimeout)
	defer cancel()
	sessions := p.ping == nil || p.ping(ctx) == nil
	p.set(func(s *probed) { s.sessions = sessions })
	written := p.ledger.Ledger.Ready(ctx) == nil && !p.ledger.unwritten.Load()
	p.set(func(s *probed) { s.ledger = written })
	if p.count != nil {
		if n, err := p.count(ctx); err == nil {
			p.set(func(s *probed) { s.persons = &n })
		}
	}
	for i, name := range p.targets {
		waiting, dead, err := p.ledger.Waiting(ctx, name)
		if err != nil {
			continue
		}
		oldest, err := p.ledger.Oldest(ctx, name)
		if err == nil {
			p.set(func(s *probed) { s.hooks[i] = probedHook{waiting, dead, oldest, true} })
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.round)
	p.round = nil
}

func (p *probe) set(change func(*probed)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.state)
}

// close ends the probe before the stores are released.
func (p *probe) close() {
	p.mu.Lock()
	p.cancel() // under mu: read begins no round afterwards
	p.mu.Unlock()
	p.work.Wait()
}
