package push

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

const (
	// maxWaiting is how many steps may be under way at a time.
	maxWaiting = 10_000
	// endTries is how often EndSessions is tried: the ledger has ended the
	// sessions already.
	endTries = 5
)

// step is one event on its way into the ledger.
type step struct {
	event
	lost error         // given up, set before done is closed
	done chan struct{} // closed when the ledger has it, or never will

	journal sync.Mutex
	kept    bool // in the journal
	over    bool // done, or never will be
}

// accept begins the step of an event, or returns the one that has begun for the
// same event. It is nil if too many wait. kept says that it is in the journal.
func (h *Handler) accept(e event, kept bool) *step {
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
	s := &step{event: e, done: make(chan struct{}), kept: kept}
	h.recent.add(e.withdrawal.Key, s)
	h.active.Add(1)
	go h.run(s)
	return s
}

// await waits until a step is done, but not longer than WeChat would: then it goes
// into the journal. An error says that it is neither here nor there.
func (h *Handler) await(a *Account, s *step, until time.Time) error {
	if s == nil {
		return nil
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-s.done:
		return s.lost
	default:
	}
	select {
	case <-s.done:
		return s.lost
	case <-timer.C:
		a.counts().Late.Add(1)
		return h.keep(s)
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
	p, done, over := h.withdraw(s, s.withdrawal)
	if over {
		h.settled(s)
	} else {
		h.giveUp(s)
	}
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

// withdraw takes a withdrawal to the ledger until it is over, and reports whether it
// was done, by us. It is not over if the handler was closed before.
func (h *Handler) withdraw(s *step, w ledger.Withdrawal) (p ledger.Person, done, over bool) {
	counts, unsure := s.account.counts(), false
	over = h.persist(func(ctx context.Context) bool {
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
	return p, over && done, over
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

// giveUp ends a step that the ledger did not take before the handler was closed.
// What the journal keeps waits there for the next start.
func (h *Handler) giveUp(s *step) {
	if err := h.keep(s); err != nil {
		s.lost = err
		h.lose(s, errors.Join(ledger.ErrUnavailable, err))
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left++
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
		err = h.EndSessions(ctx, p, s.withdrawal.At)
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
	if _, _, over := h.withdraw(s, w); !over {
		h.lose(s, ledger.ErrUnavailable)
	}
}
