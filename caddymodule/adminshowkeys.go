package caddymodule

import (
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/fleetredis"
	"github.com/caddy-wechat/gateway/session"
)

// shownKeys lists the session keys, without their secrets.
type shownKeys struct {
	Generated bool       `json:"generated"` // by the gateway; false if they are configured
	Keys      []shownKey `json:"keys"`      // the newest first; of configured keys, the one that seals
}

// shownKey is one key. A configured key has no times, and its id is its
// fingerprint, as `wechat doctor` compares it.
type shownKey struct {
	ID      string           `json:"id"`
	Created *time.Time       `json:"created,omitempty"`
	Seals   *time.Time       `json:"seals,omitempty"`
	State   session.KeyState `json:"state"`
}

// showKeys lists the session keys.
func (d desk) showKeys(w http.ResponseWriter, r *http.Request) error {
	if err := noQuery(r); err != nil {
		return err
	}
	shown, err := d.app.shownKeys()
	if err != nil {
		return refuseAdmin(keysUnavailable, "the session keys could not be read; try again, and see the log", err)
	}
	return writeAdmin(w, http.StatusOK, shown)
}

// shownKeys returns the session keys for operators.
func (a *App) shownKeys() (shownKeys, error) {
	shown := shownKeys{Generated: true, Keys: []shownKey{}}
	for _, k := range a.keeper.Keys() {
		shown.Keys = append(shown.Keys, shownKey{k.ID, &k.Created, &k.Seals, k.State})
	}
	if len(shown.Keys) > 0 {
		return shown, nil
	}
	shown.Generated = false
	prints, err := fleetredis.Fingerprints(a.keeper.Ring)
	if err != nil {
		return shownKeys{}, err
	}
	for i, id := range prints {
		state := session.KeyOld
		if i == 0 {
			state = session.KeyCurrent
		}
		shown.Keys = append(shown.Keys, shownKey{ID: id, State: state})
	}
	return shown, nil
}
