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
	"github.com/caddy-wechat/gateway/internal/signout"
)

// personSummary is a person in a search result, without nickname, avatar and
// openids.
type personSummary struct {
	ID        string    `json:"id"`
	AppIDs    []string  `json:"app_ids"`
	Merged    []string  `json:"merged,omitempty"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Banned    bool      `json:"banned,omitempty"`
}

// findPerson lists the person with an openid, a unionid or an id. If there is
// none, it answers with an empty list and not with an error. An openid without
// an app id belongs to the only account.
func (d desk) findPerson(w http.ResponseWriter, r *http.Request, q url.Values) error {
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
		found = append(found, d.summary(&p))
	case !errors.Is(err, ledger.ErrNotFound):
		return adminError(err)
	}
	d.audit(audit.ActionAdmin, p.ID, "persons find")
	return writeAdmin(w, http.StatusOK, found)
}

// onlyAppID returns the app id of the only account. If there are several
// accounts, an openid alone does not identify a person: the call is refused,
// and the answer lists the app ids.
func (d desk) onlyAppID() (string, error) {
	if len(d.app.accounts) == 1 {
		return d.app.accounts[0].Credentials.AppID, nil
	}
	var all []string
	for _, a := range d.app.accounts {
		all = append(all, a.Credentials.AppID+" ("+a.Name+")")
	}
	return "", refuseAdmin(appIDRequired, "an openid belongs to one account: add its app id, one of "+strings.Join(all, ", "), nil)
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

// showPerson answers with everything that the ledger has about a person.
func (d desk) showPerson(w http.ResponseWriter, r *http.Request) error {
	if err := noQuery(r); err != nil {
		return err
	}
	data, err := d.ledger.Export(r.Context(), r.PathValue("id"))
	if err != nil {
		return adminError(err)
	}
	d.audit(audit.ActionAdmin, r.PathValue("id"), "export")
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // the caller is gone: the error cannot be reported
	return nil
}

// erasePerson ends the person's sessions and then removes everything about the
// person. In this order, no session outlives its person, and a call that fails
// half-way can be repeated.
func (d desk) erasePerson(w http.ResponseWriter, r *http.Request) error {
	if err := noQuery(r); err != nil {
		return err
	}
	// The erasure is finished even if the caller hangs up.
	ctx := context.WithoutCancel(r.Context())
	p, err := d.ledger.Find(ctx, r.PathValue("id"))
	if err != nil {
		return adminError(err)
	}
	if err := d.erase(ctx, &p, d.ledger.Erase); err != nil {
		return adminError(err)
	}
	d.forget(allIDs(&p))
	d.app.logger.Info("person erased through the admin endpoint", slog.String("user", shortPerson(p.ID)))
	d.audit(audit.ActionErase, p.ID, "admin")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// erase ends a person's sessions, removes the person, and ends sessions again.
func (d desk) erase(ctx context.Context, p *ledger.Person, remove func(ctx context.Context, id string) error) error {
	if _, err := d.endPerson(ctx, p, time.Now(), false); err != nil {
		return err
	}
	if err := remove(ctx, p.ID); err != nil {
		return err
	}
	// A sign-in during the erasure leaves a session. It is no longer valid,
	// because its person is gone, but it contains personal data.
	if _, err := d.endPerson(ctx, p, time.Now(), false); err != nil {
		d.app.logger.Warn("a session created during the erasure may stay in the store until it expires", slog.Any("error", err))
	}
	d.seen.forget(allIDs(p))
	counts.sites.Ended.Of(signout.CountOperator).Inc()
	return nil
}

// forget removes what this gateway still remembers of a person's last sign-ins
// and requests. Without it, and on other gateways, that is out of date within
// two minutes.
func (d desk) forget(persons []string) {
	d.memory.Once.Forget(persons...)
	if hub := d.app.hub.Load(); hub != nil {
		hub.Assertions.Forget(persons...)
	}
}

// shortPerson shortens a person's id for the log.
func shortPerson(id string) string { return id[:min(8, len(id))] }
