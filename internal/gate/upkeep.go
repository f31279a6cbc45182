package gate

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
	upkeepWorkers = 4
	maxUpkeep     = 1000  // who wait; the next ones are noticed again at their next request
	maxTried      = 16384 // who are remembered to have been tried

	// upkeepPause is how long after a try, whatever came of it, nobody is tried
	// again: a profile that WeChat does not give must not cost a call a click.
	upkeepPause = time.Hour

	// upkeepTimeout bounds the two calls and the ledger's.
	upkeepTimeout = 20 * time.Second
)

// What a profile cannot be fetched for, now or later.
var (
	// ErrNoGrant says that there is nothing to fetch it with: the person never
	// consented to the account, or WeChat has ended what it gave.
	ErrNoGrant = errors.New("gate: there is no grant to fetch the profile with")

	// ErrNoProfile says that WeChat gives a placeholder instead of what is known.
	ErrNoProfile = errors.New("gate: WeChat gives no profile any more")
)

// ProfileLedger is what the upkeep asks of the ledger.
type ProfileLedger interface {
	// Find returns the person with this id.
	Find(ctx context.Context, id string) (ledger.Person, error)
	// Renew brings Profile and Grant of a sighting to the account with this openid
	// of this app id, if it is known and has consented; else it changes nothing
	// and gives ErrNotFound, in one step: a person who was erased, or has taken
	// their consent back, while WeChat was asked must not come back by the answer.
	// ProfileAt moves even if the profile is the same.
	Renew(ctx context.Context, s ledger.Sighting) error
	// See brings in the unionid of a sighting of somebody Known.
	See(ctx context.Context, s ledger.Sighting) (ledger.Person, error)
}

// Upkeep fetches the profiles of persons who come, and whose profile is old, with
// the refresh token of their consent, behind their backs: nobody waits for it, and
// nobody is sent anywhere. A token lives for thirty days, and for as long as
// WeChat likes; once it is over the grant is forgotten, and the profile stays as
// it is until the next consent.
//
// WeChat, Ledger, Keys and Logger are needed. Fields must not change while it is
// used. Keep is for Hub.KeepGrants, Stale for Hub.Stale.
type Upkeep struct {
	WeChat *wechat.Client
	Ledger ProfileLedger
	Keys   *session.Ring
	MaxAge time.Duration // as Hub.ProfileMaxAge
	Logger *slog.Logger
	Audit  *slog.Logger // may be nil

	mu      sync.Mutex
	queue   []upkeepJob
	tried   map[upkeepJob]time.Time // when; also who waits or is at work
	workers int
	closed  bool
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup
	lines   limit.Lines
}

type upkeepJob struct{ person, appID string }

// Stale has a person's profile fetched, soon and once. It never blocks, and
// ignores who cannot be served.
func (u *Upkeep) Stale(p ledger.Person, appID string) {
	if _, ok := granted(&p, appID); !ok {
		return
	}
	job, now := upkeepJob{p.ID, appID}, time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	if at, known := u.tried[job]; u.closed || known && now.Sub(at) < upkeepPause || len(u.queue) >= maxUpkeep {
		return
	}
	if u.tried == nil {
		u.tried = make(map[upkeepJob]time.Time)
		u.ctx, u.cancel = context.WithCancel(context.Background())
	}
	u.forget(now)
	u.tried[job] = now
	u.queue = append(u.queue, job)
	if u.workers < upkeepWorkers {
		u.workers++
		u.work.Go(u.run)
	}
}

// forget drops who may be tried again, or anybody where there are too many.
func (u *Upkeep) forget(now time.Time) {
	if len(u.tried) < maxTried {
		return
	}
	for job, at := range u.tried {
		if now.Sub(at) >= upkeepPause || len(u.tried) > maxTried/8*7 {
			delete(u.tried, job)
		}
	}
}

// run works until nobody waits.
func (u *Upkeep) run() {
	for {
		u.mu.Lock()
		if len(u.queue) == 0 || u.closed {
			u.workers--
			u.mu.Unlock()
			return
		}
		job := u.queue[0]
		u.queue = u.queue[1:]
		u.mu.Unlock()
		if _, err := u.refresh(u.ctx, job, u.MaxAge); err != nil && !errors.Is(err, ErrNoGrant) && u.ctx.Err() == nil {
			u.logUnfetched(job, err)
		}
	}
}

// logUnfetched has a line for a profile that was not fetched, but not for each of
// thousands while WeChat does not answer.
func (u *Upkeep) logUnfetched(job upkeepJob, err error) {
	if ok, left := u.lines.Take(""); ok {
		u.Logger.Info("profile not fetched", slog.String("user", audit.ShortID(job.person)), slog.Any("error", err), slog.Int("left_out", left))
	}
}

// Refetch fetches the profile of a person now, however old it is: WeChat said
// that it changed. ErrNoGrant and ErrNoProfile say that what is known should be
// cleared: no other can be fetched. Any other error may pass.
func (u *Upkeep) Refetch(ctx context.Context, p ledger.Person, appID string) error {
	fetched, err := u.refresh(ctx, upkeepJob{p.ID, appID}, 0)
	if err != nil {
		return err
	}
	// The ledger keeps a name that says something rather than a placeholder. Here
	// that would keep a name that WeChat has removed.
	now, err := u.Ledger.Find(ctx, p.ID)
	switch {
	case err != nil:
		return fmt.Errorf("gate: upkeep: %w", err)
	case now.Nickname != fetched.Nickname:
		return ErrNoProfile
	}
	return nil
}

// Close ends what is under way and forgets who waits.
func (u *Upkeep) Close() error {
	u.mu.Lock()
	u.closed, u.queue = true, nil
	if u.cancel != nil {
		u.cancel()
	}
	u.mu.Unlock()
	u.work.Wait()
	return nil
}
