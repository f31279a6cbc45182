package signout

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/session"
)

const (
	// maxUnfinished bounds the ends that are kept, a KB each.
	maxUnfinished = 10_000
	// unfinishedDoubt is how long no end counts as done after one found no room.
	unfinishedDoubt = time.Hour
	// unfinishedPause is between two rounds of tries.
	unfinishedPause = time.Second
	// unfinishedFailures end a round: the store does not answer anybody.
	unfinishedFailures = 4
)

// unfinishedRate is for the line in the log.
var unfinishedRate = limit.Rate{Burst: 1, Every: time.Minute}

// Unfinished keeps what a failing store has left of sign-outs, and tries it
// again until it is done: in the background, and whenever the sign-out is repeated.
// A session whose end is kept is over on this gateway at once. No sign-out of it
// counts as done before it is (attack: the repeated one finds the session over
// here, is taken for done, and a copy of the cookie works elsewhere or after a
// restart).
//
// The zero value is ready, and nil keeps nothing. It must live as long as the store,
// and be closed before it. No goroutine runs while nothing is kept.
type Unfinished struct {
	// Logger hears of what is kept; nil is silent. Set it before the first use.
	Logger *slog.Logger

	n       atomic.Int64 // len(kept): most requests look no further
	mu      sync.Mutex
	kept    map[string]*unfinishedEnd // by key
	lines   map[session.ID]int        // of those that are kept
	doubt   time.Time                 // until when no end counts as done
	done    int                       // since nothing was kept
	behind  map[string]struct{}       // those that were done late: their receipts are still out
	said    limit.One
	working bool
	closed  bool
	cancel  context.CancelFunc
	work    sync.WaitGroup
}

// unfinishedEnd is one of them.
type unfinishedEnd struct {
	key    string
	line   session.ID        // whose sessions are over here; zero for no line
	value  [sha256.Size]byte // the hash of the cookie or token that the sign-out came with
	finish func(context.Context) error
	busy   sync.Mutex // one try at a time
	over   bool       // guarded by busy
}

// Do ends something and keeps it, under a name, if that fails. One that is kept
// under the same name already gives way.
func (u *Unfinished) Do(ctx context.Context, name string, finish func(context.Context) error) error {
	err := finish(ctx)
	if u == nil {
		return err
	}
	if err == nil {
		u.drop(name)
		return nil
	}
	u.keep(&unfinishedEnd{key: name, finish: finish})
	return err
}

// keep has an end tried again until it is done.
func (u *Unfinished) keep(e *unfinishedEnd) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	old := u.kept[e.key]
	if u.closed || old == nil && len(u.kept) >= maxUnfinished {
		u.doubt = time.Now().Add(unfinishedDoubt)
		u.warn("a sign-out failed, and too many wait to be tried again: it must be repeated")
		return
	}
	if u.kept == nil {
		u.kept, u.lines = make(map[string]*unfinishedEnd), make(map[session.ID]int)
	}
	if old != nil {
		u.unlink(old)
	}
	u.kept[e.key] = e
	u.lines[e.line]++
	u.n.Store(int64(len(u.kept)))
	u.warn("a sign-out is not stored yet: it is tried again until it is")
	if !u.working {
		var ctx context.Context
		ctx, u.cancel = context.WithCancel(context.Background())
		u.working = true
		u.work.Go(func() { u.run(ctx) })
	}
}

// warn writes a line, at most once a minute. The caller holds the lock.
func (u *Unfinished) warn(message string) {
	if u.Logger != nil && u.said.Take(unfinishedRate) {
		u.Logger.Warn(message, slog.Int("waiting", len(u.kept)))
	}
}

// unlink takes an end out. The caller holds the lock.
func (u *Unfinished) unlink(e *unfinishedEnd) {
	delete(u.kept, e.key)
	if u.lines[e.line]--; u.lines[e.line] == 0 {
		delete(u.lines, e.line)
	}
}

// remove forgets an end that is done. The caller holds the lock.
func (u *Unfinished) remove(e *unfinishedEnd) {
	if e == nil || u.kept[e.key] != e {
		return
	}
	u.unlink(e)
	u.done++
	if u.behind == nil || len(u.behind) >= maxUnfinished {
		u.behind = make(map[string]struct{}) // done again, an end is done once
	}
	u.behind[e.key] = struct{}{}
	u.n.Store(int64(len(u.kept)))
	if len(u.kept) > 0 {
		return
	}
	if u.Logger != nil && !u.closed {
		u.Logger.Info("all sign-outs that waited are stored", slog.Int("sign_outs", u.done))
	}
	u.done = 0
}

// drop forgets an end that was done otherwise.
func (u *Unfinished) drop(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.remove(u.kept[key])
}

// try carries an end out once more, and forgets it when it is done.
func (u *Unfinished) try(ctx context.Context, e *unfinishedEnd) error {
	e.busy.Lock()
	defer e.busy.Unlock()
	if e.over {
		return nil
	}
	if err := e.finish(ctx); err != nil {
		return err
	}
	e.over = true
	u.mu.Lock()
	defer u.mu.Unlock()
	u.remove(e)
	return nil
}

// find returns the end that is kept for a cookie's or token's value, or for a line;
// nil if there is none.
func (u *Unfinished) find(value string, line session.ID) *unfinishedEnd {
	if u == nil || u.Waiting() == 0 {
		return nil
	}
	hash := sha256.Sum256([]byte(value))
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, e := range u.kept {
		if value != "" && e.value == hash || line != (session.ID{}) && e.line == line {
			return e
		}
	}
	return nil
}

// Retry carries the end that is kept for a cookie's or token's value, or for a line, out
// once more. kept is false if there is none.
func (u *Unfinished) Retry(ctx context.Context, value string, line session.ID) (kept bool, err error) {
	e := u.find(value, line)
	if e == nil {
		return false, nil
	}
	return true, u.try(ctx, e)
}

// Did reports whether the end of a session was kept and is done.
func (u *Unfinished) Did(id session.ID) bool {
	if u == nil {
		return false
	}
	key := endingKey(id)
	u.mu.Lock()
	defer u.mu.Unlock()
	_, done := u.behind[key]
	return done && u.kept[key] == nil
}

// Holds reports whether the end of a line is kept: its sessions are over here.
func (u *Unfinished) Holds(line session.ID) bool {
	if u == nil || u.Waiting() == 0 {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.lines[line] > 0
}

// Doubtful reports whether an end may have found no room.
func (u *Unfinished) Doubtful() bool {
	if u == nil {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return time.Now().Before(u.doubt)
}

// Waiting is how many ends are kept.
func (u *Unfinished) Waiting() int { return int(u.n.Load()) }

// Full reports whether no other end finds room.
func (u *Unfinished) Full() bool { return u != nil && u.Waiting() >= maxUnfinished }
