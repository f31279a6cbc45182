package caddymodule

import (
	"net/http"

	"github.com/caddy-wechat/gateway/internal/doctor"
)

// examine answers what `wechat doctor` asks the running server. The answer
// contains no secret and nothing about a visitor.
func (d desk) examine(w http.ResponseWriter, r *http.Request) error {
	if err := noQuery(r); err != nil {
		return err
	}
	return writeAdmin(w, http.StatusOK, doctor.Running{
		Version: Version(), Caddy: caddyVersion(), Memory: doctor.ReadMemory(), Seen: d.app.seen.report(),
		Fingerprints: d.app.fingerprints(),
	})
}
