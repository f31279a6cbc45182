package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

// shownLetters is how many waiting events a webhook's description lists.
const shownLetters = 20

// webhookDetails describes one webhook and the beginning of its queue.
type webhookDetails struct {
	Name    string `json:"name"`
	Host    string `json:"host"` // of the URL
	Waiting int    `json:"waiting"`
	Dead    int    `json:"dead"`
	// Oldest is the time of the change that the event queued first reports,
	// NextTry when the next event may be sent. Missing if none waits.
	Oldest  time.Time `json:"oldest,omitzero"`
	NextTry time.Time `json:"next_try,omitzero"`
	// LastError is why the first of the listed events that was tried was not
	// accepted.
	LastError string   `json:"last_error,omitempty"`
	Events    []letter `json:"events"`
}

// letter is a waiting event or a dead letter.
type letter struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	User      string    `json:"user,omitempty"`
	At        time.Time `json:"at"`
	Attempts  int       `json:"attempts"`
	NextTry   time.Time `json:"next_try,omitzero"`
	LastError string    `json:"last_error,omitempty"`
}

// letterDetails is one letter, with the body that is sent.
type letterDetails struct {
	letter
	Dead bool            `json:"dead"`
	Died time.Time       `json:"died,omitzero"` // when it became a dead letter
	Body json.RawMessage `json:"body"`
}

// newLetter describes a waiting event. One that was not tried yet is sent when
// those before it are delivered.
func newLetter(d *ledger.Delivery) letter {
	l := letter{ID: d.ID, Type: string(d.Kind), User: d.Person, At: d.At, Attempts: d.Attempts, LastError: d.Reason}
	if d.Attempts > 0 {
		l.NextTry = d.Next
	}
	return l
}

// showWebhook describes a webhook.
func (d desk) showWebhook(w http.ResponseWriter, r *http.Request) error {
	hook, err := d.webhookOf(r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	name, ctx := hook.target.Name, r.Context()
	details := webhookDetails{Name: name, Host: hook.url.Host, Events: []letter{}}
	if details.Waiting, details.Dead, err = d.ledger.Waiting(ctx, name); err != nil {
		return adminError(err)
	}
	pending, err := d.ledger.Pending(ctx, name, shownLetters)
	if err != nil {
		return adminError(err)
	}
	due, next, err := d.ledger.Due(ctx, name, time.Now(), 1)
	if err != nil {
		return adminError(err)
	}
	details.NextTry = next
	if len(due) > 0 {
		details.NextTry = due[0].Next
	}
	for i := range pending {
		one := newLetter(&pending[i])
		if i == 0 {
			details.Oldest = one.At
		}
		if details.LastError == "" {
			details.LastError = one.LastError
		}
		details.Events = append(details.Events, one)
	}
	d.audit(audit.ActionAdmin, "", "webhooks show") // the events name persons
	return writeAdmin(w, http.StatusOK, details)
}

// showLetter shows one event of a webhook's queue, with its body. Neither the
// signature nor the secret is part of the answer.
func (d desk) showLetter(w http.ResponseWriter, r *http.Request) error {
	hook, err := d.webhookOf(r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	found, dead, err := d.ledger.Letter(r.Context(), hook.target.Name, r.PathValue("id"))
	if err != nil {
		return letterError(err)
	}
	details := letterDetails{letter: newLetter(&found), Dead: dead}
	if dead {
		details.NextTry, details.Died = time.Time{}, found.Next
	}
	if details.Body, err = d.app.newSender(hook, d.ledger).Body(&found.Event); err != nil {
		return refuseAdmin(internalError, "the event cannot be encoded", err)
	}
	d.audit(audit.ActionAdmin, found.Person, "webhooks show")
	return writeAdmin(w, http.StatusOK, details)
}

// testWebhook sends a test event. The caller cannot choose the address (attack:
// the gateway as a way into the network behind it).
func (d desk) testWebhook(w http.ResponseWriter, r *http.Request) error {
	hook, err := d.webhookOf(r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	trial, err := d.app.newSender(hook, d.ledger).Test(r.Context())
	if err != nil {
		return refuseAdmin(internalError, "the test event cannot be sent", err)
	}
	d.audit(audit.ActionAdmin, "", "webhooks test")
	if trial.Failure != "" {
		return refuseAdmin(webhookFailed, "the receiver did not accept the test event: "+trial.Failure, nil)
	}
	return writeAdmin(w, http.StatusOK, trialResult{trial.Status, trial.Took.Milliseconds()})
}

// trialResult is the receiver's answer to a test event.
type trialResult struct {
	Status       int   `json:"status"`
	Milliseconds int64 `json:"milliseconds"`
}

// purged is the number of dead letters that were removed.
type purged struct {
	Purged int `json:"purged"`
}

// purgeDead removes one dead letter of a webhook, or all of them.
func (d desk) purgeDead(w http.ResponseWriter, r *http.Request) error {
	hook, err := d.webhookOf(r)
	if err != nil {
		return err
	}
	q, err := query(r, []string{}, []string{"id"})
	if err != nil {
		return err
	}
	// It is finished even if the caller hangs up, or Caddy cancels the context.
	n, err := d.ledger.Purge(context.WithoutCancel(r.Context()), hook.target.Name, q.Get("id"))
	if n == 0 && err == nil && q.Has("id") {
		return refuseAdmin(letterNotFound, "there is no such dead letter", nil)
	}
	if n > 0 || err == nil { // attack: after a failure, what was removed before it leaves no trace
		d.audit(audit.ActionAdmin, "", "webhooks purge")
		d.app.logger.Info("dead letters removed through the admin endpoint", slog.String("webhook", hook.target.Name), slog.Int("letters", n))
	}
	if err != nil {
		return adminError(err)
	}
	return writeAdmin(w, http.StatusOK, purged{n})
}

// letterError is adminError for a call about a letter.
func letterError(err error) error {
	if errors.Is(err, ledger.ErrNotFound) {
		return refuseAdmin(letterNotFound, "there is no such event; it may have been delivered", err)
	}
	return adminError(err)
}

// webhookOf returns the configured webhook that a call is about.
func (d desk) webhookOf(r *http.Request) (*provisionedWebhook, error) {
	name := r.PathValue("name")
	i := slices.IndexFunc(d.app.webhooks, func(p provisionedWebhook) bool { return p.target.Name == name })
	if i < 0 {
		return nil, refuseAdmin(webhookNotFound, "there is no webhook of this name in the running configuration", nil)
	}
	return &d.app.webhooks[i], nil
}
