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
	// maxWaiting is how many steps may be in progress at a time.
	maxWaiting = 10_000
	// endTries is how often EndSessions is tried. It may fail: the ledger has
	// already ended the sessions.
	endTries = 5
)

// step carries one event into the ledger.
type step struct {
	event
	lost error         // why the step was given up, set before done is closed
	done chan struct{} // closed when the ledger has it, or never will

	journal sync.Mutex
	kept    bool // in the journal
	over    bool // done, or never will be
}

// accept begins the step of an event, or returns the step that has begun for
// the same event. It returns nil if too many steps wait. kept says that the
// step is in the journal.
func (h *Handler) accept(e event, kept bool) *step {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.recent.find(e.withdrawal.Key); s != nil {
		e.account.counts().Repeated.Add(1)
		return s
	}
	if len(h.running) >= maxWaiting {
		return nil
	}
	h.waiting++
	e.account.counts().Waiting.Add(1)
	s := &step{event: e, done: make(chan struct{}), kept: kept}
	h.running[s] = struct{}{}
	h.recent.add(e.withdrawal.Key, s)
	h.active.Add(1)
	go h.run(s)
	return s
}

// await waits until a step is done, but not longer than until; then it puts the
// step into the journal. An error means that neither the ledger nor the journal
// has the step.
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

// run carries out a step, even if no request waits for it any more.
func (h *Handler) run(s *step) {
	defer h.active.Done()
	defer func() {
		s.forget()
		h.mu.Lock()
		delete(h.running, s)
		h.mu.Unlock()
	}()
	p, done, over := h.carryOut(s)
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
	if s.withdrawal.Kind == "" {
		return
	}
	if h.Audit != nil {
		h.Audit(Entry{Account: s.account.Name, Event: s.name, Kind: s.withdrawal.Kind, Person: p, Reason: s.withdrawal.Reason})
	}
	h.endSessions(s, p)
	if s.refetch {
		h.fetchAnew(s, p)
	}
}

// forget removes whom a step was about. Repetitions of the push need its end
// alone, and wait for it in memory for long after the person may have been
// erased.
func (s *step) forget() {
	s.journal.Lock()
	defer s.journal.Unlock()
	if s.over { // else it is in the journal, or may be put there
		s.event = event{account: s.account}
	}
}

// carryOut carries out what a push says: who follows, and what is withdrawn.
// The latter counts if there is both.
func (h *Handler) carryOut(s *step) (p ledger.Person, done, over bool) {
	if s.following != nil {
		done, over = h.follow(s)
		if !over || s.withdrawal.Kind == "" {
			return p, done, over
		}
	}
	return h.withdraw(s, s.withdrawal)
}

// withdraw tries a withdrawal in the ledger until it is over. done reports
// whether this step changed the ledger. over is false if the handler was closed
// before.
func (h *Handler) withdraw(s *step, w ledger.Withdrawal) (p ledger.Person, done, over bool) {
	done, over = h.write(s, func(ctx context.Context) (done bool, err error) {
		if err = h.complete(ctx, s, &w); err == nil {
			p, done, err = h.Ledger.Withdraw(ctx, w)
		}
		return done, err
	})
	return p, done, over
}

// write calls the ledger until it answers, and counts the outcome.
func (h *Handler) write(s *step, call func(ctx context.Context) (done bool, err error)) (done, over bool) {
	counts, unsure := s.account.counts(), false
	over = h.persist(func(ctx context.Context) bool {
		var err error
		done, err = call(ctx)
		switch {
		case err == nil:
			// After a failure with an unknown outcome, this step may have done
			// it.
			if done = done || unsure; done {
				counts.Acted.Add(1)
			} else {
				counts.Repeated.Add(1)
			}
		case errors.Is(err, ledger.ErrNotFound):
			counts.NoPerson.Add(1)
			h.Logger.Debug("push is about a person who is not in the ledger", slog.String("account", s.account.Name), slog.String("event", s.name))
		case errors.Is(err, ledger.ErrInvalid):
			h.lose(s, err)
		default: // unavailable is not absent: try again
			unsure = true
			counts.Retried.Add(1)
			h.warn(s.account, "push waits: the ledger is unavailable", err)
			return false
		}
		return true
	})
	return over && done, over
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
		return ledger.ErrNotFound // the person is unknown to this account
	}
	return nil
}

// giveUp ends a step that the ledger did not accept before the handler was
// closed. If the journal has the step, it waits there for the next start.
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

// lose counts and logs a step that is lost.
func (h *Handler) lose(s *step, err error) {
	s.account.counts().Lost.Add(1)
	h.mu.Lock()
	h.lost++
	h.mu.Unlock()
	h.Logger.Error("push lost: its event was not carried out", slog.String("account", s.account.Name),
		slog.String("event", s.name), slog.String("push", s.withdrawal.Key), slog.Any("error", err))
}

// endSessions removes the sessions from the session store.
func (h *Handler) endSessions(s *step, p ledger.Person) {
	if h.EndSessions == nil || p.ID == "" {
		return
	}
	var err error
	if !h.insist(endTries, func(ctx context.Context) bool {
		err = h.EndSessions(ctx, p, s.withdrawal.At)
		return err == nil
	}) {
		h.warn(s.account, "could not remove ended sessions from the store", err)
	}
}

// fetchAnew fetches a profile that WeChat changed. If that fails, it removes
// the consent, so that the person is asked again.
func (h *Handler) fetchAnew(s *step, p ledger.Person) {
	ctx, cancel := context.WithTimeout(h.base, tryPatience)
	err := h.Refetch(ctx, p, s.account.Keys.AppID)
	cancel()
	if err == nil {
		return
	}
	h.warn(s.account, "could not fetch the changed profile", err)
	w := s.withdrawal // business systems were already told
	w.Key, w.Silent, w.Profile, w.End, w.Consent = w.Key+"+consent", true, false, false, true
	if _, _, over := h.withdraw(s, w); !over {
		h.lose(s, ledger.ErrUnavailable)
	}
}
