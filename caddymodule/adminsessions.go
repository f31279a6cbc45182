package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/session"
)

// sessionDirectory is a store whose sessions can be listed.
type sessionDirectory interface {
	// Sessions returns the sessions of a person, newest first.
	Sessions(ctx context.Context, person string) ([]session.Info, error)
	// EndPerson ends all of them and returns how many there were.
	EndPerson(ctx context.Context, person string) (int, error)
	// EndPersonAt is EndPerson, late: for sessions created up to that second.
	EndPersonAt(ctx context.Context, person string, at time.Time) (int, error)
	// EndID ends the session that Sessions showed under this id and says whether
	// there was one.
	EndID(ctx context.Context, id string) (bool, error)
}

var _ sessionDirectory = (*session.Redis)(nil)

// sessionSummary is a session in a list. Its id ends it, and does nothing else.
type sessionSummary struct {
	ID      string    `json:"id"`
	Site    string    `json:"site"`
	AppID   string    `json:"app_id"`
	Scope   string    `json:"scope"`
	Created time.Time `json:"created"`
	Renewed time.Time `json:"renewed"`
	Expires time.Time `json:"expires"`
}

// endedSessions says how many sessions were ended; null where nobody can count.
type endedSessions struct {
	Ended *int `json:"ended"`
}

// sealedSessions is why the local store lists none.
const sealedSessions = "the local store keeps sessions in the visitors' cookies: it can end all of a person, but neither list them nor end a single one"

// listSessions lists a person's sessions.
func (d desk) listSessions(w http.ResponseWriter, r *http.Request) error {
	p, err := d.personOf(r)
	if err != nil {
		return err
	}
	if d.directory == nil {
		return refuseAdmin(http.StatusNotImplemented, sealedSessions, nil)
	}
	list, err := d.sessionsOf(r.Context(), p)
	if err != nil {
		return err
	}
	return writeAdmin(w, http.StatusOK, list)
}

// sessionsOf returns a person's sessions, under every id that the person had, the
// newest first.
func (d desk) sessionsOf(ctx context.Context, p *ledger.Person) ([]sessionSummary, error) {
	list := []sessionSummary{}
	for _, id := range allIDs(p) {
		infos, err := d.directory.Sessions(ctx, id)
		if err != nil {
			return nil, adminError(err)
		}
		for _, i := range infos {
			list = append(list, sessionSummary{i.ID, i.Site, i.AppID, i.Scope, i.Created, i.Renewed, i.Expires})
		}
	}
	slices.SortStableFunc(list, func(a, b sessionSummary) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// endSessions ends all sessions of a person. What fails is kept and done in the
// background, and the call may be repeated: it is 503 until all of it is stored.
func (d desk) endSessions(w http.ResponseWriter, r *http.Request) error {
	p, err := d.personOf(r)
	if err != nil {
		return err
	}
	if d.endless() {
		return adminError(errEndless)
	}
	var ended *int
	now, first := time.Now(), true
	told := ledger.Event{ID: notice.EventID(ledger.LoggedOut, "admin", session.NewID().String()), Kind: ledger.LoggedOut, Person: p.ID, At: now, Reason: "admin"}
	err = d.ends.Do(context.WithoutCancel(r.Context()), "person "+p.ID, func(ctx context.Context) error {
		n, err := d.endPerson(ctx, p, now, !first)
		if first = false; err != nil {
			return err
		}
		if err := d.ledger.Tell(ctx, told); err != nil { // by its id, it is told once
			return err
		}
		ended = n
		d.app.logger.Info("sessions ended through the admin endpoint", slog.String("user", shortPerson(p.ID)))
		d.audit(audit.ActionLogout, p.ID, "admin")
		return nil
	})
	if err != nil {
		return adminError(err)
	}
	return writeAdmin(w, http.StatusOK, endedSessions{ended})
}

// endSession ends one session, by the id that the list shows. Its record does not
// say whose it is: who names the person as well has the business systems hear of it.
func (d desk) endSession(w http.ResponseWriter, r *http.Request) error {
	if d.directory == nil {
		return refuseAdmin(http.StatusNotImplemented, sealedSessions, nil)
	}
	ctx, id, person := context.WithoutCancel(r.Context()), r.PathValue("id"), ""
	if r.URL.RawQuery != "" {
		p, err := d.personOf(r)
		if err != nil {
			return err
		}
		// The notice comes first: what is interrupted is called again, and told once.
		if err := d.tellEnd(ctx, p, id); err != nil {
			return err
		}
		person = p.ID
	}
	found, err := d.directory.EndID(ctx, id)
	if err != nil {
		return adminError(err)
	}
	if !found {
		return refuseAdmin(http.StatusNotFound, noSession, nil)
	}
	d.app.logger.Info("session ended through the admin endpoint", slog.String("user", shortPerson(person)))
	d.audit(audit.ActionLogout, person, "admin")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

const noSession = "there is no such session"

// tellEnd tells that a session of the person ends. One that is not theirs is 404.
func (d desk) tellEnd(ctx context.Context, p *ledger.Person, id string) error {
	list, err := d.sessionsOf(ctx, p)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(s sessionSummary) bool { return s.ID == id })
	if i < 0 {
		return refuseAdmin(http.StatusNotFound, noSession, nil)
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

// personOf reads whose sessions are meant. Nobody is 404: ending the sessions of
// a mistyped id must not look like done.
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

// endPerson ends every session of a person, under each id they had, and returns
// how many there were, nil where nobody knows. What is carried out late spares
// sessions that were made after its time.
func (d desk) endPerson(ctx context.Context, p *ledger.Person, at time.Time, late bool) (*int, error) {
	if d.endless() {
		// A revocation that nobody hears of must not look like one.
		return nil, errEndless
	}
	// Sealed cookies too, that nobody can list: those of a local store, and those
	// of people who have not been back since it became Redis. None is good for
	// longer than its lifetime.
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

// endless reports whether nothing could end the sessions of a person.
func (d desk) endless() bool { return d.directory == nil && d.personEnded == nil }

// errEndless is a mistake in a store: its sessions would go on.
var errEndless = errors.New("this store can neither list nor end the sessions of a person")

// allIDs are the ids under which a person may have sessions: those of merged
// records too.
func allIDs(p *ledger.Person) []string { return append([]string{p.ID}, p.Merged...) }
