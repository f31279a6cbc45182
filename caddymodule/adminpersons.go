package caddymodule

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

// personSummary is a person in a list of found ones: enough to go on with, not
// all that is kept.
type personSummary struct {
	ID        string    `json:"id"`
	AppIDs    []string  `json:"app_ids"`
	Merged    []string  `json:"merged,omitempty"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
}

// findPerson lists the person with an openid, a unionid or an id: one or nobody. An
// openid without an app id is of the only account.
// Nobody is an empty list, and not an error: the question was answered.
func (d desk) findPerson(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, []string{"openid"}, []string{"app_id", "openid"}, []string{"unionid"}, []string{"id"})
	if err != nil {
		return err
	}
	if q.Has("openid") && !q.Has("app_id") {
		only, err := d.onlyAppID()
		if err != nil {
			return err
		}
		q.Set("app_id", only)
	}
	found := []personSummary{}
	p, err := d.lookUp(r.Context(), q)
	switch {
	case err == nil:
		found = append(found, newPersonSummary(&p))
	case !errors.Is(err, ledger.ErrNotFound):
		return adminError(err)
	}
	return writeAdmin(w, http.StatusOK, found)
}

// onlyAppID is the app id of the only account. Where there are several, an openid
// alone says nothing: it is refused, and the answer says what to choose from.
func (d desk) onlyAppID() (string, error) {
	if len(d.app.accounts) == 1 {
		return d.app.accounts[0].Credentials.AppID, nil
	}
	var all []string
	for _, a := range d.app.accounts {
		all = append(all, a.Credentials.AppID+" ("+a.Name+")")
	}
	return "", refuseAdmin(http.StatusBadRequest, "an openid is of one account: add its app id, one of "+strings.Join(all, ", "), nil)
}

func (d desk) lookUp(ctx context.Context, q url.Values) (ledger.Person, error) {
	switch {
	case q.Has("openid"):
		return d.ledger.FindOpenID(ctx, q.Get("app_id"), q.Get("openid"))
	case q.Has("unionid"):
		return d.ledger.FindUnionID(ctx, q.Get("unionid"))
	default:
		return d.ledger.Find(ctx, q.Get("id"))
	}
}

func newPersonSummary(p *ledger.Person) personSummary {
	s := personSummary{ID: p.ID, AppIDs: []string{}, Merged: p.Merged, FirstSeen: p.FirstSeen, LastSeen: p.LastSeen}
	for _, a := range p.Accounts {
		s.AppIDs = append(s.AppIDs, a.AppID)
	}
	return s
}

// showPerson answers with everything that is kept about a person.
func (d desk) showPerson(w http.ResponseWriter, r *http.Request) error {
	data, err := d.ledger.Export(r.Context(), r.PathValue("id"))
	if err != nil {
		return adminError(err)
	}
	d.audit(audit.ActionAdmin, r.PathValue("id"), "export")
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // the caller has gone: nobody to tell
	return nil
}

// erasePerson ends the person's sessions, and then removes everything about them.
// In this order: a session must not outlive its person, and what fails half-way
// can be repeated.
func (d desk) erasePerson(w http.ResponseWriter, r *http.Request) error {
	// The caller may hang up; what was begun is finished.
	ctx := context.WithoutCancel(r.Context())
	p, err := d.ledger.Find(ctx, r.PathValue("id"))
	if err != nil {
		return adminError(err)
	}
	if _, err := d.endPerson(ctx, &p, time.Now(), false); err != nil {
		return adminError(err)
	}
	if err := d.ledger.Erase(ctx, p.ID); err != nil {
		return adminError(err)
	}
	// Who signed in meanwhile left a session that is worth nothing, since its
	// person is gone, but it is about them.
	if _, err := d.endPerson(ctx, &p, time.Now(), false); err != nil {
		d.app.logger.Warn("a session begun during the erasure may be kept until it expires", slog.Any("error", err))
	}
	d.app.logger.Info("person erased through the admin endpoint", slog.String("user", shortPerson(p.ID)))
	d.audit(audit.ActionErase, p.ID, "admin")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// shortPerson is an id in a log.
func shortPerson(id string) string { return id[:min(8, len(id))] }
