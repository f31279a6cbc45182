package caddymodule

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/signout"
)

// maxBanReason bounds an operator's reason for a ban, in bytes.
const maxBanReason = 200

// banSummary is a ban of a known person in a list.
type banSummary struct {
	Person string    `json:"person"`
	At     time.Time `json:"at"`
}

// bansSummary lists the bans of known persons, oldest first, and counts those of
// erased ones, of whom nothing is known.
type bansSummary struct {
	Bans   []banSummary `json:"bans"`
	Erased int          `json:"erased"`
}

// summary is newPersonSummary, and whether the person is banned.
func (d desk) summary(p *ledger.Person) personSummary {
	s := newPersonSummary(p)
	s.Banned = d.ledger.Banned(p)
	return s
}

// banPerson bans a person and ends the person's sessions, in this order: a
// sign-in in between must not make a session that stays. A call that fails
// half-way can be repeated.
func (d desk) banPerson(w http.ResponseWriter, r *http.Request) error {
	note, err := banNote(r)
	if err != nil {
		return err
	}
	ctx := context.WithoutCancel(r.Context()) // it is finished even if the caller hangs up
	p, err := d.ledger.Find(ctx, r.PathValue("id"))
	if err != nil {
		return adminError(err)
	}
	if err := d.ledger.Ban(ctx, p.ID, time.Now()); err != nil {
		return adminError(err)
	}
	d.app.logger.Info("person banned through the admin endpoint", slog.String("user", shortPerson(p.ID)))
	d.audit(audit.ActionAdmin, p.ID, note)
	// A store that can end no session still refuses those of a banned person.
	if !d.endless() {
		if _, err := d.endAll(ctx, &p, signout.CountBanned); err != nil {
			return adminError(err)
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// banNote returns what the audit log says of a ban. The operator's reason is one
// line of text: it must not look like another line of the log.
func banNote(r *http.Request) (string, error) {
	if r.URL.RawQuery == "" {
		return "ban", nil
	}
	q, err := query(r, []string{"reason"})
	if err != nil {
		return "", err
	}
	reason := q.Get("reason")
	if len(reason) > maxBanReason || !utf8.ValidString(reason) {
		return "", refuseAdmin(invalidQuery, "the reason must be at most 200 bytes of UTF-8", nil)
	}
	for _, c := range reason {
		if !unicode.IsPrint(c) {
			return "", refuseAdmin(invalidQuery, "the reason must be one line of readable text", nil)
		}
	}
	return "ban: " + reason, nil
}

// unbanPerson lifts all bans of a person.
func (d desk) unbanPerson(w http.ResponseWriter, r *http.Request) error {
	if err := noQuery(r); err != nil {
		return err
	}
	p, err := d.ledger.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return adminError(err)
	}
	return d.unban(w, r, p.ID, p.ID)
}

// unbanID lifts the bans of whom an openid, a unionid or a person's id leads to,
// also of an erased person.
func (d desk) unbanID(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, []string{"id"})
	if err != nil {
		return err
	}
	person := ""
	if id := q.Get("id"); ledger.ValidID(id) {
		person = id
	}
	return d.unban(w, r, q.Get("id"), person)
}

func (d desk) unban(w http.ResponseWriter, r *http.Request, name, person string) error {
	switch err := d.ledger.Unban(context.WithoutCancel(r.Context()), name); {
	case errors.Is(err, ledger.ErrNotFound):
		return refuseAdmin(banNotFound, "there is no such ban", err)
	case err != nil:
		return adminError(err)
	}
	d.app.logger.Info("ban lifted through the admin endpoint", slog.String("user", shortPerson(person)))
	d.audit(audit.ActionAdmin, person, "unban")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// listBans lists the bans.
func (d desk) listBans(w http.ResponseWriter, r *http.Request) error {
	if err := noQuery(r); err != nil {
		return err
	}
	all, err := d.ledger.ListBans(r.Context())
	if err != nil {
		return adminError(err)
	}
	list := bansSummary{Bans: []banSummary{}}
	for _, b := range all {
		if b.Person == "" {
			list.Erased++
			continue
		}
		list.Bans = append(list.Bans, banSummary{b.Person, b.At})
	}
	d.audit(audit.ActionAdmin, "", "bans list")
	return writeAdmin(w, http.StatusOK, list)
}
