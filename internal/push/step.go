package push

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

const (
	// maxWaiting is how many steps may be under way at a time.
	maxWaiting = 10_000
	// maxRetrying is how many of them may try again at once, when the ledger
	// has come back.
	maxRetrying = 32
	// tryPatience is how long one try may take.
	tryPatience = 30 * time.Second
	// firstPause and lastPause are the pauses between tries, doubled each time.
	firstPause, lastPause = 500 * time.Millisecond, time.Minute
	// endTries is how often EndSessions is tried: the ledger has ended the
	// sessions already.
	endTries = 5
)

// step is one event on its way into the ledger.
type step struct {
	event
	done chan struct{} // closed when the ledger has it, or never will
}

// accept begins the step of an event, or returns the one that has begun for the
// same event. It is nil if too many wait.
func (h *Handler) accept(e event) *step {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.recent.find(e.withdrawal.Key); s != nil {
		e.account.counts().Repeated.Add(1)
		return s
	}
	if h.running >= maxWaiting {
		return nil
	}
	h.running++
	h.waiting++
	e.account.counts().Waiting.Add(1)
	s := &step{event: e, done: make(chan struct{})}
	h.recent.add(e.withdrawal.Key, s)
	h.active.Add(1)
	go h.run(s)
	return s
}

// await waits until a step is done, but not longer than WeChat would.
func (h *Handler) await(a *Account, s *step, until time.Time) {
	if s == nil {
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-s.done:
		return
	default:
	}
	select {
	case <-s.done:
	case <-timer.C:
		a.counts().Late.Add(1)
	}
}

// run carries out a step, whoever still waits for it.
func (h *Handler) run(s *step) {
	defer h.active.Done()
	defer func() {
		h.mu.Lock()
		h.running--
		h.mu.Unlock()
	}()
	p, done := h.withdraw(s, s.withdrawal)
	h.mu.Lock()
	h.waiting--
	h.mu.Unlock()
	s.account.counts().Waiting.Add(-1)
	close(s.done)
	if !done {
		return
	}
	h.Logger.Info("push acted on", slog.String("account", s.account.Name), slog.String("event", s.name), slog.String("codes", s.withdrawal.Reason))
	if h.Audit != nil {
		h.Audit(Entry{Account: s.account.Name, Event: s.name, Kind: s.withdrawal.Kind, Person: p, Reason: s.withdrawal.Reason})
	}
	h.endSessions(s, p)
	if s.refetch {
		h.fetchAnew(s, p)
	}
}

// withdraw takes a withdrawal to the ledger until it is done, and reports whether
// it was, by us.
func (h *Handler) withdraw(s *step, w ledger.Withdrawal) (p ledger.Person, done bool) {
	counts, unsure := s.account.counts(), false
	over := h.insist(0, func(ctx context.Context) bool {
		var err error
		if err = h.complete(ctx, s, &w); err == nil {
			p, done, err = h.Ledger.Withdraw(ctx, w)
		}
		switch {
		case err == nil:
			// After a failure nobody knows about, it may have been us.
			if done = done || unsure; done {
				counts.Acted.Add(1)
			} else {
				counts.Repeated.Add(1)
			}
		case errors.Is(err, ledger.ErrNotFound):
			counts.Nobody.Add(1)
			h.Logger.Debug("push is about nobody we know", slog.String("account", s.account.Name), slog.String("event", s.name))
		case errors.Is(err, ledger.ErrInvalid):
			h.lose(s, err)
		default: // unavailable is not absent: nothing is known, so it is tried again
			unsure = true
			counts.Retried.Add(1)
			h.warn(s.account, "push waits: the ledger is unavailable", err)
			return false
		}
		return true
	})
	if !over {
		h.lose(s, ledger.ErrUnavailable)
	}
	return p, over && done
}

// complete finds the openid of a push that has only a unionid.
func (h *Handler) complete(ctx context.Context, s *step, w *ledger.Withdrawal) error {
	if s.unionID == "" {
		return nil
	}
	p, err := h.Ledger.FindUnionID(ctx, s.unionID)
	if err != nil {
		return err
	}
	if w.OpenID = p.OpenID(w.AppID); w.OpenID == "" {
		return ledger.ErrNotFound // known, and not to this account
	}
	return nil
}

// lose notes a step that is given up.
func (h *Handler) lose(s *step, err error) {
	s.account.counts().Lost.Add(1)
	h.mu.Lock()
	h.lost++
	h.mu.Unlock()
	h.Logger.Error("push lost: what WeChat told was not carried out", slog.String("account", s.account.Name),
		slog.String("event", s.name), slog.String("push", s.withdrawal.Key), slog.Any("error", err))
}

// endSessions cleans up behind the ledger.
func (h *Handler) endSessions(s *step, p ledger.Person) {
	if h.EndSessions == nil || p.ID == "" {
		return
	}
	var err error
	if !h.insist(endTries, func(ctx context.Context) bool {
		err = h.EndSessions(ctx, p)
		return err == nil
	}) {
		h.warn(s.account, "ended sessions are still stored", err)
	}
}

// fetchAnew fetches a profile that WeChat cleaned. If that fails, the person is
// asked anew, which gives us the profile too.
func (h *Handler) fetchAnew(s *step, p ledger.Person) {
	ctx, cancel := context.WithTimeout(h.base, tryPatience)
	err := h.Refetch(ctx, p, s.account.Keys.AppID)
	cancel()
	if err == nil {
		return
	}
	h.warn(s.account, "profile not fetched anew", err)
	w := s.withdrawal // of which everybody was told
	w.Key, w.Silent, w.Profile, w.End, w.Consent = w.Key+"+consent", true, false, false, true
	h.withdraw(s, w)
}

// insist calls f until it returns true, at most so many times (0: without end),
// with growing pauses. When the handler closes, f gets one more try. It reports
// whether f ever returned true.
func (h *Handler) insist(tries int, f func(ctx context.Context) bool) bool {
	for try, pause := 1, firstPause; ; try, pause = try+1, min(2*pause, lastPause) {
		last := h.stopping()
		if h.try(try > 1, f) {
			return true
		}
		if last || try == tries {
			return false
		}
		timer := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // so that not all try at once
		select {
		case <-timer.C:
		case <-h.stop:
		}
		timer.Stop()
	}
}

func (h *Handler) try(again bool, f func(ctx context.Context) bool) bool {
	if again {
		select {
		case h.retries <- struct{}{}:
			defer func() { <-h.retries }()
		case <-h.base.Done():
			return false
		}
	}
	ctx, cancel := context.WithTimeout(h.base, tryPatience)
	defer cancel()
	return f(ctx)
}
