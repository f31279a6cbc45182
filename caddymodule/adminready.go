package caddymodule

import "net/http"

// answerReady answers GET /wechat/ready: the state of each part with the error,
// and warnings. It has no desk: it must answer while the store cannot be
// opened. It is 503 if the gateway is not ready, as /_wechat/ready of a site.
func answerReady(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", http.MethodGet+", "+http.MethodHead)
		return refuseAdmin(methodNotAllowed, "this method is not allowed for this call", nil)
	}
	if err := noQuery(r); err != nil {
		return err
	}
	app, err := runningApp()
	if err != nil {
		return err
	}
	details, status := app.healthDetails(r.Context()), http.StatusOK
	if !details.Ready {
		status = http.StatusServiceUnavailable
	}
	return writeAdmin(w, status, details)
}
