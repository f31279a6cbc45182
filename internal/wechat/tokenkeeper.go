package wechat

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Times of a tokenKeeper.
const (
	flightTimeout = 12 * time.Second       // of one renewal
	lockTTL       = 15 * time.Second       // longer than a renewal, so that no other gateway begins one meanwhile
	lockPoll      = 200 * time.Millisecond // between two checks for a token that another gateway fetches
	lookEvery     = time.Second            // between two renewals that fail
)

// tokenKeeper keeps one token or ticket of an account. It runs one renewal at a
// time in this process, and in the whole fleet while the store can be reached.
type tokenKeeper struct {
	ep     endpoint // names the errors
	key    string
	store  TokenStore
	logger *slog.Logger
	// fetch asks WeChat for the value and its lifetime. force is used only if
	// forces is set.
	fetch  func(ctx context.Context, force bool) (Secret, time.Duration, error)
	forces bool

	life context.Context // of the keeper
	stop context.CancelFunc
	wait sync.WaitGroup

	mu     sync.Mutex
	token  accountToken
	flight *flight
	failed error     // of the last renewal, nil after a success
	look   time.Time // no renewal because of time begins before this
	again  time.Time // WeChat is not asked before this
}

// flight is a renewal in progress.
type flight struct {
	refused Secret // the value that WeChat refused; empty: a renewal because of time
	done    chan struct{}
	token   accountToken // token and err are set before done is closed
	err     error
}

// get returns the value. It fetches the next one in the background before this
// one expires.
func (k *tokenKeeper) get(ctx context.Context) (Secret, error) {
	k.mu.Lock()
	now := time.Now()
	value, good := k.token.value, k.token.good(now)
	if good && !k.token.due(now) {
		k.mu.Unlock()
		return value, nil
	}
	if k.flight == nil && now.Before(k.look) {
		err := k.failed
		k.mu.Unlock()
		if good {
			return value, nil
		}
		return Secret{}, err
	}
	f := k.begin(Secret{})
	k.mu.Unlock()
	if good {
		return value, nil
	}
	l, err := k.join(ctx, f)
	return l.value, err
}

// renew returns a token other than refused, which WeChat refused.
func (k *tokenKeeper) renew(ctx context.Context, refused Secret) (accountToken, error) {
	for range 2 { // the first may join a renewal because of time, which may return the same value
		k.mu.Lock()
		if k.token.serves(time.Now(), refused) { // it was renewed meanwhile
			l := k.token
			k.mu.Unlock()
			return l, nil
		}
		f := k.begin(refused)
		k.mu.Unlock()
		if l, err := k.join(ctx, f); err != nil || l.value != refused {
			return l, err
		}
	}
	return accountToken{}, k.ep.fail(RemedyRenew, "WeChat refuses the newest token that it issued")
}

// begin returns the renewal in progress, or begins one. The caller holds mu.
func (k *tokenKeeper) begin(refused Secret) *flight {
	if k.flight != nil {
		return k.flight
	}
	f := &flight{refused: refused, done: make(chan struct{})}
	if k.life.Err() != nil {
		f.err = k.ep.fail(RemedyUnavailable, "the keeper is closed")
		close(f.done)
		return f
	}
	k.flight = f
	// Do not use the first caller's context: other callers still wait when it
	// ends.
	k.wait.Go(func() { k.fly(f) })
	return f
}

// join waits for a renewal.
func (k *tokenKeeper) join(ctx context.Context, f *flight) (accountToken, error) {
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return accountToken{}, &Error{Op: k.ep.op, Remedy: RemedyUnavailable, Err: &cause{text: "the caller went away", is: ctx.Err()}}
	}
}

// fly runs a renewal.
func (k *tokenKeeper) fly(f *flight) {
	ctx, cancel := context.WithTimeout(k.life, flightTimeout)
	defer cancel()
	l, err := k.renewal(ctx, f.refused)
	k.mu.Lock()
	if err == nil {
		k.token, k.failed, k.look, k.again = l, nil, time.Time{}, time.Time{}
	} else {
		k.failed, k.look = err, time.Now().Add(lookEvery)
	}
	k.flight = nil
	k.mu.Unlock()
	f.token, f.err = l, err
	close(f.done)
}

// close cancels the renewal in progress and waits for it.
func (k *tokenKeeper) close() {
	k.mu.Lock()
	k.stop() // under mu: begin adds nothing to wait afterwards
	k.mu.Unlock()
	k.wait.Wait()
}

// paused returns the last error while WeChat must not be asked again.
func (k *tokenKeeper) paused() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Now().Before(k.again) {
		return k.failed
	}
	return nil
}

// pause notes a failure of WeChat and logs it once.
func (k *tokenKeeper) pause(err error) {
	hold := pauseAfter(err)
	k.mu.Lock()
	k.failed, k.again = err, time.Now().Add(hold)
	k.mu.Unlock()
	level := slog.LevelWarn
	if errors.Is(err, ErrAlert) {
		level = slog.LevelError
	}
	attrs := []slog.Attr{slog.String("key", k.key), slog.Any("error", err), slog.Duration("next_try", hold)}
	if e, ok := errors.AsType[*Error](err); ok {
		attrs = append(attrs, e.LogAttrs()...)
	}
	k.logger.LogAttrs(context.Background(), level, "could not renew the account's token", attrs...)
}
