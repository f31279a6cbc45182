package caddymodule

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/session"
)

// endEveryone ends all sessions that were made up to now, of all persons and
// guests. One tombstone in the ledger does it, so their number is not known. If
// the ledger cannot be written, the answer is 503 and the gateway retries in
// the background. Webhooks get no event: there would be one for each person.
func (d desk) endEveryone(w http.ResponseWriter, r *http.Request) error {
	if d.personEnded == nil {
		return adminError(errEndless)
	}
	now := time.Now()
	err := d.ends.Do(context.WithoutCancel(r.Context()), "everyone", func(ctx context.Context) error {
		// No session is valid for longer than its lifetime.
		if err := d.ledger.EndPerson(ctx, ledger.Everyone, now, now.Add(d.app.policy.Lifetime+session.MaxSkew)); err != nil {
			return err
		}
		counts.sites.Ended.Of(signout.CountOperator).Inc()
		d.app.logger.Info("all sessions of everyone ended through the admin endpoint", slog.Time("made_until", now))
		d.audit(audit.ActionAdmin, "", "sessions end everyone")
		return nil
	})
	if err != nil {
		return adminError(err)
	}
	return writeAdmin(w, http.StatusOK, endedSessions{nil})
}
