package caddymodule

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/session"
)

// rotatedKeys is the result of a key rotation.
type rotatedKeys struct {
	Key     string    `json:"key"`     // the id of the new key, as in the log
	Seals   time.Time `json:"seals"`   // when the new key begins to seal
	Retired int       `json:"retired"` // how many keys no longer open anything
}

// rotateKeys adds a session key, or replaces all keys by a new one.
func (d desk) rotateKeys(w http.ResponseWriter, r *http.Request) error {
	now, err := retiresNow(r)
	if err != nil {
		return err
	}
	// The rotation is finished even if the caller hangs up.
	ctx := context.WithoutCancel(r.Context())
	change, reason := d.app.keeper.AddKey, "keys rotate"
	if now {
		change, reason = d.app.keeper.RetireNow, "keys rotate retire_now"
	}
	changed, err := change(ctx)
	if err != nil {
		return keysError(err)
	}
	if changed.Withdrawn > 0 {
		d.app.resealPushes()
	}
	d.app.logger.Info("session keys rotated through the admin endpoint",
		slog.String("key", changed.Key), slog.Time("seals", changed.Seals), slog.Int("retired", changed.Withdrawn))
	d.audit(audit.ActionAdmin, "", reason)
	return writeAdmin(w, http.StatusOK, rotatedKeys{changed.Key, changed.Seals, changed.Withdrawn})
}

// retiresNow reports whether the call retires all keys. It refuses every other
// value of the parameter: a leaked key must not stay valid because of a typing
// mistake.
func retiresNow(r *http.Request) (bool, error) {
	q, err := query(r, []string{}, []string{"retire_now"})
	if err != nil {
		return false, err
	}
	if n, _ := io.ReadFull(r.Body, make([]byte, 1)); n != 0 {
		return false, refuseAdmin(invalidBody, "this call takes no body; to retire all keys use ?retire_now=true", nil)
	}
	switch q.Get("retire_now") {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	default:
		return false, refuseAdmin(invalidQuery, "retire_now is true or false", nil)
	}
}

// keysError maps an error of the keys to an answer.
func keysError(err error) error {
	switch {
	case errors.Is(err, session.ErrConfigured):
		return refuseAdmin(keysConfigured, "the session keys are configured: put a new key first in session { key … } and reload; remove the old one after `lifetime`, or at once if it leaked. If a key leaked that was generated before: delete wechat/session_keys.json from Caddy's storage and run caddy reload --force", err)
	case errors.Is(err, session.ErrManyKeys):
		return refuseAdmin(tooManyKeys, "too many keys were made in a short time; to retire all of them use ?retire_now=true", err)
	default:
		return refuseAdmin(keysUnavailable, "the session keys in Caddy's storage could not be read or written; try again, and see the log", err)
	}
}
