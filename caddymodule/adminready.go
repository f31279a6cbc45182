package caddymodule

import "net/http"

// answerReady answers GET /wechat/ready: the state of each part with the error,
// and warnings. It is 503 if the gateway is not ready, as /_wechat/ready of a
// site.
func (a *App) answerReady(w http.ResponseWriter, r *http.Request) error {
	details, status := a.healthDetails(r.Context()), http.StatusOK
	if !details.Ready {
		status = http.StatusServiceUnavailable
	}
	return writeAdmin(w, status, details)
}
