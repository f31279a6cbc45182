package caddymodule

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/session"
)

// sessionDirectory is a session store that can list its sessions.
type sessionDirectory interface {
	// Sessions returns the sessions of a person, newest first.
	Sessions(ctx context.Context, person string) ([]session.Info, error)
	// EndPerson ends all sessions of a person and returns their number.
	EndPerson(ctx context.Context, person string) (int, error)
	// EndPersonAt is EndPerson for sessions created up to that second.
	EndPersonAt(ctx context.Context, person string, at time.Time) (int, error)
	// EndID ends the session that Sessions lists under this id, and reports
	// whether it existed.
	EndID(ctx context.Context, id string) (bool, error)
}

var _ sessionDirectory = (*session.Redis)(nil)

// endedSessions is the number of ended sessions; null if the store cannot count
// them.
type endedSessions struct {
	Ended *int `json:"ended"`
}

// endSessions ends all sessions of a person, or of everyone. If a step fails,
// the answer is 503 and the gateway retries in the background until everything
// is stored. The caller may repeat the call.
func (d desk) endSessions(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, []string{"person"}, []string{"everyone"})
	switch {
	case err != nil:
		return err
	case q.Has("everyone") && q.Get("everyone") != "true":
		return refuseAdmin(invalidQuery, "everyone must be true", nil)
	case q.Has("everyone"):
		return d.endEveryone(w, r)
	}
	p, err := d.personOf(r)
	if err != nil {
		return err
	}
	if d.endless() {
		return adminError(errEndless)
	}
	ended, err := d.endAll(context.WithoutCancel(r.Context()), p, signout.CountOperator)
	if err != nil {
		return adminError(err)
	}
	return writeAdmin(w, http.StatusOK, endedSessions{ended})
}

// endAll ends all sessions of a person, and counts that for a reason. It returns
// their number, nil if the store cannot count them.
func (d desk) endAll(ctx context.Context, p *ledger.Person, reason string) (*int, error) {
	var ended *int
	now, first := time.Now(), true
	told := ledger.Event{ID: notice.EventID(ledger.LoggedOut, "admin", session.NewID().String()), Kind: ledger.LoggedOut, Person: p.ID, At: now, Reason: "admin"}
	err := d.ends.Do(ctx, "person "+p.ID, func(ctx context.Context) error {
		n, err := d.endPerson(ctx, p, now, !first)
		if first = false; err != nil {
			return err
		}
		if err := d.ledger.Tell(ctx, told); err != nil { // an event with the same id is queued once
			return err
		}
		ended = n
		counts.sites.Ended.Of(reason).Inc()
		d.app.logger.Info("sessions ended through the admin endpoint", slog.String("user", shortPerson(p.ID)))
		d.audit(audit.ActionLogout, p.ID, "admin")
		return nil
	})
	if err != nil {
		return nil, err // ended belongs to the retries in the background now
	}
	return ended, nil
}

// endSession ends one session, by the id in the list. The session's record in
// Redis does not contain the person, so webhooks are told only if the caller
// names the person as well.
func (d desk) endSession(w http.ResponseWriter, r *http.Request) error {
	ctx, id, person := context.WithoutCancel(r.Context()), r.PathValue("id"), ""
	if r.URL.RawQuery != "" {
		p, err := d.personOf(r)
		if err != nil {
			return err
		}
		// The event is queued first: an interrupted call is repeated, and the
		// event has the same id then.
		if err := d.tellEnd(ctx, p, id); err != nil {
			return err
		}
		person = p.ID
	}
	found, err := d.endID(ctx, id)
	if err != nil {
		return adminError(err)
	}
	if !found {
		return refuseAdmin(sessionNotFound, noSession, nil)
	}
	counts.sites.Ended.Of(signout.CountOperator).Inc()
	d.app.logger.Info("session ended through the admin endpoint", slog.String("user", shortPerson(person)))
	d.audit(audit.ActionLogout, person, "admin")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

const noSession = "there is no such session"

// endID ends the session that the list shows under this id, and reports whether
// it was there.
func (d desk) endID(ctx context.Context, id string) (found bool, err error) {
	switch {
	case d.directory != nil:
		return d.directory.EndID(ctx, id)
	case d.seen != nil:
		return d.seen.endID(ctx, id, d.sessions)
	}
	return false, errEndless
}

// tellEnd queues the event that a session of the person ends. A session of
// another person is 404.
func (d desk) tellEnd(ctx context.Context, p *ledger.Person, id string) error {
	list, err := d.sessionsOf(ctx, p)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(s sessionSummary) bool { return s.ID == id })
	if i < 0 {
		return refuseAdmin(sessionNotFound, noSession, nil)
	}
	err = d.ledger.Tell(ctx, ledger.Event{
		ID: notice.EventID(ledger.LoggedOut, "admin", id), Kind: ledger.LoggedOut, Person: p.ID, AppID: list[i].AppID,
		At: time.Now(), Reason: "admin",
	})
	if err != nil {
		return adminError(err)
	}
	return nil
}

// personOf finds the person that the query names. An unknown person is 404: to
// end the sessions of a mistyped id must not look like a success.
func (d desk) personOf(r *http.Request) (*ledger.Person, error) {
	q, err := query(r, []string{"person"})
	if err != nil {
		return nil, err
	}
	p, err := d.ledger.Find(r.Context(), q.Get("person"))
	if err != nil {
		return nil, adminError(err)
	}
	return &p, nil
}

// endPerson ends all sessions under all ids of a person and returns their
// number, nil if the store cannot count them. A late call ends only sessions
// created before its time.
func (d desk) endPerson(ctx context.Context, p *ledger.Person, at time.Time, late bool) (*int, error) {
	if d.endless() {
		// A revocation without effect must not look like a success.
		return nil, errEndless
	}
	// This ends sealed cookies too, which cannot be listed: those of a local
	// store, and those of visitors who have not returned since the store became
	// Redis. No cookie is valid for longer than its lifetime.
	err := d.ledger.EndPerson(ctx, p.ID, at, at.Add(d.app.policy.Lifetime+session.MaxSkew))
	if err != nil || d.directory == nil {
		return nil, err
	}
	ended := 0
	for _, id := range allIDs(p) {
		n, err := d.endDirectory(ctx, id, at, late)
		if err != nil {
			return nil, err
		}
		ended += n
	}
	return &ended, nil
}

func (d desk) endDirectory(ctx context.Context, id string, at time.Time, late bool) (int, error) {
	if late {
		return d.directory.EndPersonAt(ctx, id, at)
	}
	return d.directory.EndPerson(ctx, id)
}

// endless reports whether the store cannot end the sessions of a person.
func (d desk) endless() bool { return d.directory == nil && d.personEnded == nil }

// errEndless reports a store that cannot end sessions, which is a mistake in
// the store.
var errEndless = errors.New("this store can neither list nor end the sessions of a person")

// allIDs returns the ids under which a person may have sessions, including
// those of merged records.
func allIDs(p *ledger.Person) []string { return append([]string{p.ID}, p.Merged...) }
