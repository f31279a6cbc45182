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
	maxWaiting = 1000  // waiting profiles; the others are noticed again at their next request
	maxTried   = 16384 // remembered tries

	// pause is the time after a try, successful or not, in which the profile is
	// not tried again: a profile that WeChat does not give must not cost a call
	// per click.
	pause = time.Hour

	// timeout bounds the two calls to WeChat and those to the ledger.
	timeout = 20 * time.Second
)

// The final reasons for which a profile cannot be fetched.
var (
	// ErrNoGrant says that there is no grant: the person never consented to the
	// account, or WeChat has ended the grant.
	ErrNoGrant = errors.New("profile: no grant to fetch the profile with")

	// ErrNoProfile says that WeChat gives a placeholder instead of the known
	// profile.
	ErrNoProfile = errors.New("profile: WeChat no longer gives a profile")
)

// Ledger is the part of the ledger that a Refresher uses.
type Ledger interface {
	// Find returns the person with this id.
	Find(ctx context.Context, id string) (ledger.Person, error)
	// Renew writes Profile and Grant of an observation to the account with this
	// openid of this app id, if it is known and has consented. Otherwise it
	// changes nothing and returns ErrNotFound. It is one step: data of a person
	// who was erased, or withdrew consent, during the call to WeChat must not
	// come back by the answer. ProfileAt moves even if the profile is
	// unchanged.
	Renew(ctx context.Context, s ledger.Observation) error
	// Observe records the unionid of a person who is already known (OnlyKnown).
	Observe(ctx context.Context, s ledger.Observation) (ledger.Person, error)
}

// Refresher refreshes old profiles of active visitors in the background, with
// the refresh token of their consent. No visitor waits for it or is redirected.
// A token lives for at most thirty days; WeChat may end it earlier. Then the
// grant is deleted, and the profile stays as it is until the next consent.
//
// WeChat, Ledger, Keys and Logger are required. Fields must not change while it
// is in use. Sign-ins call Keep, requests Stale, and pushes Refetch.
type Refresher struct {
	WeChat *wechat.Client
	Ledger Ledger
	Keys   *session.Ring
	MaxAge time.Duration // the age from which a profile is refreshed
	Logger *slog.Logger
	Audit  audit.Log

	mu      sync.Mutex
	queue   []task
	tried   map[task]time.Time // when each was tried; includes waiting and running ones
	workers int
	closed  bool
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup
	lines   limit.Lines
}

type task struct{ person, appID string }

// Stale queues a person's profile to be fetched once. It never blocks, and
// ignores persons without a grant.
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

// forget drops tries that are old enough, or any if there are too many.
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

// run works until the queue is empty.
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

// logUnfetched logs that a profile was not fetched, within a limit: not a line
// for each of thousands while WeChat does not answer.
func (f *Refresher) logUnfetched(job task, err error) {
	ok, left := f.lines.Take("")
	if !ok {
		return
	}
	attrs := []slog.Attr{slog.String("user", audit.ShortID(job.person)), slog.Any("error", err), slog.Int("left_out", left)}
	if e, ok := errors.AsType[*wechat.Error](err); ok {
		attrs = append(attrs, e.LogAttrs()...)
	}
	f.Logger.LogAttrs(context.Background(), slog.LevelInfo, "profile not fetched", attrs...)
}

// Refetch fetches the profile of a person now, because WeChat reported a
// change. After ErrNoGrant and ErrNoProfile the caller should clear the known
// profile: no other can be fetched. Any other error is temporary.
func (f *Refresher) Refetch(ctx context.Context, p ledger.Person, appID string) error {
	fetched, err := f.refresh(ctx, task{p.ID, appID}, 0)
	if err != nil {
		return err
	}
	// The ledger prefers a real name to a placeholder. Here that would keep a
	// name that WeChat has removed.
	now, err := f.Ledger.Find(ctx, p.ID)
	switch {
	case err != nil:
		return fmt.Errorf("profile: %w", err)
	case now.Nickname != fetched.Nickname:
		return ErrNoProfile
	}
	return nil
}

// Close ends the running call and empties the queue.
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
