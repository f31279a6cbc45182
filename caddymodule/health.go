package caddymodule

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/health"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/request"
)

// serveHealth answers a load balancer and returns true, or returns false if the
// request is none of a load balancer. Only path and method count: a balancer
// asks by IP address, without a session, and also while the store cannot be
// opened.
func (h *Handler) serveHealth(w http.ResponseWriter, r *http.Request, path string) bool {
	name, ours := strings.CutPrefix(path, request.Prefix)
	if !ours || !h.site.health {
		return false
	}
	return health.Endpoints{Monitor: h.app.health, WeChat: h.app.weChatHealth}.Serve(w, r, name, shuttingDown(r))
}

// shuttingDown reports whether the server is in its shutdown_delay. It still
// serves, but balancers should send nothing more.
func shuttingDown(r *http.Request) bool {
	replacer, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return false
	}
	value, _ := replacer.Get("http.shutting_down")
	stopping, _ := value.(bool)
	return stopping
}

// weChatHealth says how the last call to WeChat ended. An error code that
// concerns one visitor or the configuration is an answer, too.
func (a *App) weChatHealth() health.WeChat {
	last, ok := a.client.LastCall()
	if !ok {
		return health.WeChat{State: health.Unknown}
	}
	w := health.WeChat{State: health.OK, Call: last.Op, At: last.At, Err: last.Err}
	if len(outage.Of("", last.Err)) > 0 {
		w.State = health.Failed
	}
	return w
}
