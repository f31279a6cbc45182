package caddymodule

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

// webhookSummary is a webhook in the list, with the number of waiting events
// and of dead letters.
type webhookSummary struct {
	Name    string `json:"name"`
	Waiting int    `json:"waiting"`
	Dead    int    `json:"dead"`
}

// deadLetter is an event that the gateway has given up delivering.
type deadLetter struct {
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	User     string    `json:"user,omitempty"`
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"`
	Reason   string    `json:"reason"`
}

// deadLettersAtOnce bounds one list. The next list begins after the last id of
// the one before.
const deadLettersAtOnce = 100

// redelivered is the number of dead letters that were queued again.
type redelivered struct {
	Redelivered int `json:"redelivered"`
}

// listWebhooks lists the configured webhooks.
func (d desk) listWebhooks(w http.ResponseWriter, r *http.Request) error {
	if err := noQuery(r); err != nil {
		return err
	}
	list := []webhookSummary{}
	for _, hook := range d.app.webhooks {
		waiting, dead, err := d.ledger.Waiting(r.Context(), hook.target.Name)
		if err != nil {
			return adminError(err)
		}
		list = append(list, webhookSummary{hook.target.Name, waiting, dead})
	}
	return writeAdmin(w, http.StatusOK, list)
}

// listDeadLetters lists the dead letters of a webhook, newest first.
func (d desk) listDeadLetters(w http.ResponseWriter, r *http.Request) error {
	hook, err := d.webhookOf(r)
	if err != nil {
		return err
	}
	name := hook.target.Name
	q, err := query(r, []string{}, []string{"after"})
	if err != nil {
		return err
	}
	letters, err := d.ledger.Dead(r.Context(), name, q.Get("after"), deadLettersAtOnce)
	if err != nil {
		return letterError(err)
	}
	list := make([]deadLetter, 0, len(letters))
	for _, l := range letters {
		list = append(list, newDeadLetter(&l))
	}
	d.audit(audit.ActionAdmin, "", "webhooks dead")
	return writeAdmin(w, http.StatusOK, list)
}

func newDeadLetter(l *ledger.Delivery) deadLetter {
	return deadLetter{ID: l.ID, Type: string(l.Kind), User: l.Person, At: l.At, Attempts: l.Attempts, Reason: l.Reason}
}

// redeliver queues one dead letter of a webhook again, or all of them.
func (d desk) redeliver(w http.ResponseWriter, r *http.Request) error {
	hook, err := d.webhookOf(r)
	if err != nil {
		return err
	}
	name := hook.target.Name
	q, err := query(r, []string{}, []string{"id"})
	if err != nil {
		return err
	}
	n, err := d.ledger.Redeliver(context.WithoutCancel(r.Context()), name, q.Get("id")) // as in purgeDead
	if n == 0 && err == nil && q.Has("id") {
		return refuseAdmin(letterNotFound, "there is no such dead letter, or too many events of its kind wait", nil)
	}
	if n > 0 || err == nil {
		d.app.wakeWebhooks()
		d.audit(audit.ActionAdmin, "", "redeliver")
		d.app.logger.Info("dead letters put back through the admin endpoint", slog.String("webhook", name), slog.Int("letters", n))
	}
	if err != nil {
		return adminError(err)
	}
	return writeAdmin(w, http.StatusOK, redelivered{n})
}
