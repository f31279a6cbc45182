package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/session"
)

const (
	// prunedAtOnce is how many persons one call erases if it does not say.
	prunedAtOnce = 500
	// pruneTogether is how many erasures run at a time: stores write many at the
	// cost of one.
	pruneTogether = 32
	// pruneFor is how long one call begins new erasures.
	pruneFor = 3 * time.Second
	// pruneWaiting is how many events may wait for a webhook. Beyond it no
	// person is erased: the notices of erasure of a large ledger would be more
	// than are kept (ledger.MaxWaiting), and business systems would keep the
	// data of persons whose notice is lost.
	pruneWaiting = ledger.MaxWaiting / 2
	// handedOn is how many lifetimes after the last sign-in a person may still
	// have a session: tickets and scanned codes make new sessions without asking
	// WeChat.
	handedOn = 4
)

// inactivity tells of the persons who were last seen before a time.
type inactivity struct {
	Persons int       `json:"persons"`
	Oldest  time.Time `json:"oldest,omitzero"` // when the first of them was last seen
}

// pruned is the result of one call that erases inactive persons.
type pruned struct {
	Erased   int    `json:"erased"`
	More     bool   `json:"more"`                // repeat the call
	WaitsFor string `json:"waits_for,omitempty"` // the webhook whose events must be delivered first
}

// showInactive answers with the number of inactive persons.
func (d desk) showInactive(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, []string{"before"})
	if err != nil {
		return err
	}
	before, err := d.beforeOf(q)
	if err != nil {
		return err
	}
	found, err := d.ledger.Inactive(r.Context(), before, 0)
	if err != nil {
		return adminError(err)
	}
	return writeAdmin(w, http.StatusOK, inactivity{found.Persons, found.Oldest})
}

// eraseInactive erases some inactive persons as erasePerson does. A person who
// is seen again meanwhile is spared.
func (d desk) eraseInactive(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, []string{"before"}, []string{"before", "limit"})
	if err != nil {
		return err
	}
	before, err := d.beforeOf(q)
	if err != nil {
		return err
	}
	limit, err := limitOf(q, prunedAtOnce, ledger.MaxInactive)
	if err != nil {
		return err
	}
	// The part is finished even if the caller hangs up.
	ctx := context.WithoutCancel(r.Context())
	done, err := d.prune(ctx, before, limit)
	if done.Erased > 0 {
		d.audit(audit.ActionAdmin, "", fmt.Sprintf("ledger prune: %d last seen before %s", done.Erased, before.Format(time.RFC3339)))
		d.app.logger.Info("inactive persons erased through the admin endpoint",
			slog.Int("persons", done.Erased), slog.Time("last_seen_before", before))
	}
	switch {
	case err != nil && done.Erased == 0:
		return adminError(err)
	case err != nil:
		d.app.logger.Warn("the erasure of inactive persons stopped half-way; the next call goes on", slog.Any("error", err))
	}
	return writeAdmin(w, http.StatusOK, done)
}

// prune erases up to limit persons. After an error the persons erased before it
// are counted.
func (d desk) prune(ctx context.Context, before time.Time, limit int) (done pruned, err error) {
	if done.WaitsFor, err = d.behind(ctx); err != nil || done.WaitsFor != "" {
		done.More = true
		return done, err
	}
	found, err := d.ledger.Inactive(ctx, before, limit)
	if err != nil {
		return done, err
	}
	var erased atomic.Int64
	var first firstError
	var working sync.WaitGroup
	slots := make(chan struct{}, pruneTogether)
	for begun, i := time.Now(), 0; i < len(found.Some) && time.Since(begun) < pruneFor && first.get() == nil; i++ {
		slots <- struct{}{}
		working.Go(func() {
			defer func() { <-slots }()
			gone, err := d.eraseOne(ctx, &found.Some[i], before)
			if first.set(err); gone {
				erased.Add(1)
			}
		})
	}
	working.Wait()
	done.Erased = int(erased.Load())
	done.More = done.Erased > 0 && done.Erased < found.Persons
	return done, first.get()
}

// eraseOne erases a person who is still inactive.
func (d desk) eraseOne(ctx context.Context, p *ledger.Person, before time.Time) (gone bool, err error) {
	remove := func(ctx context.Context, id string) error {
		gone, err := d.ledger.EraseInactive(ctx, id, before)
		if err == nil && !gone {
			return errSpared
		}
		return err
	}
	if d.mayHaveSession(p, time.Now()) {
		// Who came back since the list was read keeps the new session, too.
		if now, err := d.ledger.Find(ctx, p.ID); err != nil || !now.LastSeen.Before(before) {
			return false, notThere(err)
		}
		err = d.erase(ctx, p, remove)
	} else {
		err = remove(ctx, p.ID)
	}
	return err == nil, notThere(err)
}

// errSpared: the person was seen meanwhile.
var errSpared = errors.New("the person was seen meanwhile")

// notThere turns the errors of a person who need not be erased into none.
func notThere(err error) error {
	if errors.Is(err, errSpared) || errors.Is(err, ledger.ErrNotFound) { // another call was quicker
		return nil
	}
	return err
}

// mayHaveSession reports whether a session of the person can be alive. To end
// the sessions of those who have none would cost memory on every gateway for
// each of perhaps a million persons.
func (d desk) mayHaveSession(p *ledger.Person, now time.Time) bool {
	return now.Sub(p.LastSeen) < handedOn*(d.app.policy.Lifetime+session.MaxSkew)
}

// behind returns the name of a webhook with too many waiting events.
func (d desk) behind(ctx context.Context) (string, error) {
	for _, hook := range d.app.webhooks {
		waiting, _, err := d.ledger.Waiting(ctx, hook.target.Name)
		if err != nil {
			return "", err
		}
		if waiting > pruneWaiting {
			return hook.target.Name, nil
		}
	}
	return "", nil
}

// beforeOf reads the parameter before. Persons who have signed in within the
// life of a session may use the site every day without being seen by the
// ledger.
func (d desk) beforeOf(q url.Values) (time.Time, error) {
	before, err := time.Parse(time.RFC3339, q.Get("before"))
	if err != nil || before.Year() < 1970 || before.Year() > 9999 {
		return time.Time{}, refuseAdmin(invalidQuery, "before must be a time such as 2024-03-01T00:00:00Z", nil)
	}
	if least := d.app.policy.Lifetime + session.MaxSkew + time.Hour; time.Since(before) < least {
		return time.Time{}, refuseAdmin(invalidQuery, fmt.Sprintf(
			"a person who was seen so lately may still be signed in: before must be at least %v ago, the lifetime of a session", least.Round(time.Hour)), nil)
	}
	return before, nil
}

// firstError keeps the first of several errors.
type firstError struct {
	mu  sync.Mutex
	err error
}

func (f *firstError) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *firstError) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
