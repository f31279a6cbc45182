package profile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

const (
	workers    = 4
	maxWaiting = 1000  // who wait; the next ones are noticed again at their next request
	maxTried   = 16384 // who are remembered to have been tried

	// pause is how long after a try, whatever came of it, nobody is tried
	// again: a profile that WeChat does not give must not cost a call a click.
	pause = time.Hour

	// timeout bounds the two calls and the ledger's.
	timeout = 20 * time.Second
)

// What a profile cannot be fetched for, now or later.
var (
	// ErrNoGrant says that there is nothing to fetch it with: the person never
	// consented to the account, or WeChat has ended what it gave.
	ErrNoGrant = errors.New("profile: there is no grant to fetch the profile with")

	// ErrNoProfile says that WeChat gives a placeholder instead of what is known.
	ErrNoProfile = errors.New("profile: WeChat gives no profile any more")
)

// Ledger is what refreshing asks of the ledger.
type Ledger interface {
	// Find returns the person with this id.
	Find(ctx context.Context, id string) (ledger.Person, error)
	// Renew brings Profile and Grant of a sighting to the account with this openid
	// of this app id, if it is known and has consented; else it changes nothing
	// and gives ErrNotFound, in one step: a person who was erased, or has taken
	// their consent back, while WeChat was asked must not come back by the answer.
	// ProfileAt moves even if the profile is the same.
	Renew(ctx context.Context, s ledger.Observation) error
	// Observe brings in the unionid of a sighting of somebody who is known already (OnlyKnown).
	Observe(ctx context.Context, s ledger.Observation) (ledger.Person, error)
}

// Refresher fetches the profiles of persons who come, and whose profile is old, with
// the refresh token of their consent, behind their backs: nobody waits for it, and
// nobody is sent anywhere. A token lives for thirty days, and for as long as
// WeChat likes; once it is over the grant is forgotten, and the profile stays as
// it is until the next consent.
//
// WeChat, Ledger, Keys and Logger are needed. Fields must not change while it is
// used. Sign-ins call Keep, requests Stale, and pushes Refetch.
type Refresher struct {
	WeChat *wechat.Client
	Ledger Ledger
	Keys   *session.Ring
	MaxAge time.Duration // of a profile that need not be fetched anew
	Logger *slog.Logger
	Audit  *slog.Logger // may be nil

	mu      sync.Mutex
	queue   []task
	tried   map[task]time.Time // when; also who waits or is at work
	workers int
	closed  bool
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup
	lines   limit.Lines
}

type task struct{ person, appID string }

// Stale has a person's profile fetched, soon and once. It never blocks, and
// ignores who cannot be served.
func (f *Refresher) Stale(p ledger.Person, appID string) {
	if _, ok := granted(&p, appID); !ok {
		return
	}
	job, now := task{p.ID, appID}, time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, known := f.tried[job]; f.closed || known && now.Sub(at) < pause || len(f.queue) >= maxWaiting {
		return
	}
	if f.tried == nil {
		f.tried = make(map[task]time.Time)
		f.ctx, f.cancel = context.WithCancel(context.Background())
	}
	f.forget(now)
	f.tried[job] = now
	f.queue = append(f.queue, job)
	if f.workers < workers {
		f.workers++
		f.work.Go(f.run)
	}
}

// forget drops who may be tried again, or anybody where there are too many.
func (f *Refresher) forget(now time.Time) {
	if len(f.tried) < maxTried {
		return
	}
	for job, at := range f.tried {
		if now.Sub(at) >= pause || len(f.tried) > maxTried/8*7 {
			delete(f.tried, job)
		}
	}
}

// run works until nobody waits.
func (f *Refresher) run() {
	for {
		f.mu.Lock()
		if len(f.queue) == 0 || f.closed {
			f.workers--
			f.mu.Unlock()
			return
		}
		job := f.queue[0]
		f.queue = f.queue[1:]
		f.mu.Unlock()
		if _, err := f.refresh(f.ctx, job, f.MaxAge); err != nil && !errors.Is(err, ErrNoGrant) && f.ctx.Err() == nil {
			f.logUnfetched(job, err)
		}
	}
}

// logUnfetched has a line for a profile that was not fetched, but not for each of
// thousands while WeChat does not answer.
func (f *Refresher) logUnfetched(job task, err error) {
	if ok, left := f.lines.Take(""); ok {
		f.Logger.Info("profile not fetched", slog.String("user", audit.ShortID(job.person)), slog.Any("error", err), slog.Int("left_out", left))
	}
}

// Refetch fetches the profile of a person now, however old it is: WeChat said
// that it changed. ErrNoGrant and ErrNoProfile say that what is known should be
// cleared: no other can be fetched. Any other error may pass.
func (f *Refresher) Refetch(ctx context.Context, p ledger.Person, appID string) error {
	fetched, err := f.refresh(ctx, task{p.ID, appID}, 0)
	if err != nil {
		return err
	}
	// The ledger keeps a name that says something rather than a placeholder. Here
	// that would keep a name that WeChat has removed.
	now, err := f.Ledger.Find(ctx, p.ID)
	switch {
	case err != nil:
		return fmt.Errorf("profile: %w", err)
	case now.Nickname != fetched.Nickname:
		return ErrNoProfile
	}
	return nil
}

// Close ends what is under way and forgets who waits.
func (f *Refresher) Close() error {
	f.mu.Lock()
	f.closed, f.queue = true, nil
	if f.cancel != nil {
		f.cancel()
	}
	f.mu.Unlock()
	f.work.Wait()
	return nil
}
