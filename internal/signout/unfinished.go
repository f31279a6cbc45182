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
	// maxUnfinished bounds the kept ends. Each takes about 1 KB.
	maxUnfinished = 10_000
	// unfinishedDoubt is how long no end counts as stored after one found no
	// room.
	unfinishedDoubt = time.Hour
	// unfinishedPause is the time between two rounds of retries.
	unfinishedPause = time.Second
	// unfinishedFailures is how many failures stop a round: then the store does
	// not answer at all.
	unfinishedFailures = 4
)

// unfinishedRate limits the log line.
var unfinishedRate = limit.Rate{Burst: 1, Every: time.Minute}

// Unfinished keeps sign-outs that a failing store did not complete, and retries
// them until they are done: in the background, and whenever the sign-out is
// repeated. A session whose end is kept has ended on this gateway at once. Its
// sign-out does not count as done before it is stored (attack: a repeated
// sign-out finds the session ended here and reports success, while a copy of
// the cookie works elsewhere or after a restart).
//
// The zero value is ready, and nil keeps nothing. It must live as long as the
// store, and be closed before it. No goroutine runs while nothing is kept.
type Unfinished struct {
	// Logger logs the kept ends; nil is silent. Set it before the first use.
	Logger *slog.Logger

	n       atomic.Int64 // len(kept), so that most requests need no lock
	mu      sync.Mutex
	kept    map[string]*unfinishedEnd // by key
	lines   map[session.ID]int        // the kept ends of each line
	doubt   time.Time                 // until when no end counts as stored
	done    int                       // ends completed since none was kept
	late    map[string]struct{}       // ends that were completed late: browsers may still have their PendingLogout cookie
	said    limit.Line
	working bool
	closed  bool
	cancel  context.CancelFunc
	work    sync.WaitGroup
}

// unfinishedEnd is one kept end.
type unfinishedEnd struct {
	key    string
	line   session.ID        // the line whose sessions have ended here; zero for none
	value  [sha256.Size]byte // the hash of the cookie or token in the sign-out's request
	finish func(context.Context) error
	busy   sync.Mutex // one retry at a time
	over   bool       // guarded by busy
}

// Do runs finish and keeps it under a name if it fails. It replaces an end that
// is already kept under that name.
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

// keep stores an end and retries it until it is done.
func (u *Unfinished) keep(e *unfinishedEnd) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	old := u.kept[e.key]
	if u.closed || old == nil && len(u.kept) >= maxUnfinished {
		u.doubt = time.Now().Add(unfinishedDoubt)
		u.warn("a sign-out failed and is not retried, because too many are waiting: the visitor must repeat it")
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
	u.warn("a sign-out is not stored yet; it is retried until it is")
	if !u.working {
		var ctx context.Context
		ctx, u.cancel = context.WithCancel(context.Background())
		u.working = true
		u.work.Go(func() { u.run(ctx) })
	}
}

// warn logs a line, at most once a minute. The caller holds the lock.
func (u *Unfinished) warn(message string) {
	if u.Logger != nil {
		u.said.Warn(u.Logger, unfinishedRate, message, slog.Int("waiting", len(u.kept)))
	}
}

// unlink removes an end. The caller holds the lock.
func (u *Unfinished) unlink(e *unfinishedEnd) {
	delete(u.kept, e.key)
	if u.lines[e.line]--; u.lines[e.line] == 0 {
		delete(u.lines, e.line)
	}
}

// remove forgets an end that is done, and logs when none is left. The caller
// holds the lock.
func (u *Unfinished) remove(e *unfinishedEnd) {
	if e == nil || u.kept[e.key] != e {
		return
	}
	u.unlink(e)
	u.done++
	if u.late == nil || len(u.late) >= maxUnfinished {
		u.late = make(map[string]struct{}) // forgetting these is safe: repeating an end has no effect
	}
	u.late[e.key] = struct{}{}
	u.n.Store(int64(len(u.kept)))
	if len(u.kept) > 0 {
		return
	}
	if u.Logger != nil && !u.closed {
		u.Logger.Info("all waiting sign-outs are stored", slog.Int("sign_outs", u.done))
	}
	u.done = 0
}

// drop forgets an end that was completed in another way.
func (u *Unfinished) drop(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.remove(u.kept[key])
}

// try retries an end and forgets it when it is done.
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

// find returns the end kept for a cookie's or token's value, or for a line; nil
// if there is none.
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

// Retry retries the end kept for a cookie's or token's value, or for a line.
// kept is false if there is none.
func (u *Unfinished) Retry(ctx context.Context, value string, line session.ID) (kept bool, err error) {
	e := u.find(value, line)
	if e == nil {
		return false, nil
	}
	return true, u.try(ctx, e)
}

// Completed reports whether the end of a session was kept and is now done.
func (u *Unfinished) Completed(id session.ID) bool {
	if u == nil {
		return false
	}
	key := endingKey(id)
	u.mu.Lock()
	defer u.mu.Unlock()
	_, done := u.late[key]
	return done && u.kept[key] == nil
}

// HasLine reports whether the end of a line is kept: its sessions have ended
// here.
func (u *Unfinished) HasLine(line session.ID) bool {
	if u == nil || u.Waiting() == 0 {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.lines[line] > 0
}

// Overflowed reports whether an end may have found no room.
func (u *Unfinished) Overflowed() bool {
	if u == nil {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return time.Now().Before(u.doubt)
}

// Waiting returns how many ends are kept.
func (u *Unfinished) Waiting() int { return int(u.n.Load()) }

// Full reports whether there is no room for another end.
func (u *Unfinished) Full() bool { return u != nil && u.Waiting() >= maxUnfinished }
