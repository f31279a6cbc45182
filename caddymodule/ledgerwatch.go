package caddymodule

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// watchRound is how often a gateway looks whether its ledger is still the
	// same.
	watchRound = 15 * time.Second
	// replacedFor is how long a gateway goes on about another ledger: after a
	// loss, a backup is restored by then, and what was done on purpose is known.
	replacedFor = 7 * 24 * time.Hour
)

// ledgerWatch notices that the ledger is another one than before: a lost file
// that was made anew, or a Redis that came back empty. Everything goes on
// without an error then, and each person who comes gets a new X-Wechat-User.
type ledgerWatch struct {
	known    knownLedgers
	identity func(context.Context) (string, error)
	logger   *slog.Logger

	seen     string                    // the id of the last look; of run alone
	replaced atomic.Pointer[time.Time] // when this ledger took the place of another; nil if it did not
}

// run looks until ctx ends.
func (w *ledgerWatch) run(ctx context.Context) {
	ticker := time.NewTicker(watchRound)
	defer ticker.Stop()
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look asks the ledger for its id, and says so if it is another one.
func (w *ledgerWatch) look(ctx context.Context) {
	id, err := w.identity(ctx)
	if err != nil || id == w.seen { // what does not answer has lines of its own
		return
	}
	since, isNew, err := w.known.note(ctx, id)
	if err != nil {
		if ctx.Err() == nil {
			w.logger.Debug("the ledger's id is not noted in Caddy's storage", slog.Any("error", err))
		}
		if w.seen == "" {
			return // nothing to compare with; the next look tries again
		}
		since, isNew = time.Now(), true // this process has seen the other one
	}
	w.seen = id
	if since.IsZero() {
		w.replaced.Store(nil)
		return
	}
	w.replaced.Store(&since)
	const lost = "Persons of before are unknown here, and get a new X-Wechat-User. If the ledger was lost, stop the gateway and restore the backup (docs/operations.md); if you replaced it on purpose, nothing is to be done"
	switch {
	case isNew:
		w.logger.Error("the ledger is another one than before. "+lost, slog.Time("since", since))
	case w.replacedAt() != nil:
		w.logger.Warn("the ledger was replaced by another one. "+lost, slog.Time("since", since))
	}
}

// replacedAt returns when the ledger took the place of another, nil if it did
// not, or long ago.
func (w *ledgerWatch) replacedAt() *time.Time {
	if w == nil {
		return nil
	}
	at := w.replaced.Load()
	if at == nil || time.Since(*at) > replacedFor {
		return nil
	}
	return at
}

// watchLedger begins to watch the ledger until ctx ends.
func (a *App) watchLedger(ctx context.Context) {
	w := &ledgerWatch{
		known: knownLedgers{storage: a.storage, place: a.opened.place}, identity: a.opened.identity, logger: a.logger,
	}
	a.watch.Store(w)
	a.running.Go(func() { w.run(ctx) })
}
