package gate

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// failed answers a sign-in that failed at WeChat or at a store. One log line
// says why; the page says only what to do.
func (g *Gate) failed(w http.ResponseWriter, r *site.Request, f flow.Flow, err error) {
	switch {
	case errors.Is(err, wechat.ErrRestart), errors.Is(err, wechat.ErrStartPage): // ErrReuse (40163) is an ErrRestart
		g.LogFailed(r, slog.LevelInfo, "code not accepted", f, err)
		g.startAnew(w, r, f, "code not accepted")
	case errors.Is(err, signin.ErrNotAllowed) && f.Optional:
		g.passWithout(w, r, f)
	case errors.Is(err, signin.ErrNotAllowed):
		g.notAllowed(w, r, f.Target)
	case f.Optional:
		g.LogFailed(r, slog.LevelError, "sign-in failed; the path is optional, so the visitor continues without an identity", f, err)
		g.passWithout(w, r, f)
	case errors.Is(err, wechat.ErrDeny):
		g.LogFailed(r, slog.LevelWarn, "sign-in denied by WeChat", f, err)
		g.WriteAudit(r, audit.Record{Action: audit.ActionRefuse, Account: f.Account, Scope: string(f.Scope), Reason: audit.ReasonWeChat, Flow: f.Name()})
		g.Show(w, r, page.Page{Kind: page.Denied, Reference: f.Name()}, "denied", "WeChat does not let this account sign in here.")
	case errors.Is(err, wechat.ErrStop):
		g.Unavailable(w, r, site.RetryAfter(err), f, err)
	case errors.Is(err, wechat.ErrAlert), errors.Is(err, wechat.ErrRelogin):
		g.misconfigured(w, r, f, err)
	default:
		g.Unavailable(w, r, site.RetryAfter(err), f, err)
	}
}

// misconfigured answers 500: only the operator can fix this.
func (g *Gate) misconfigured(w http.ResponseWriter, r *site.Request, f flow.Flow, err error) {
	g.LogFailed(r, slog.LevelError, "sign-in is misconfigured", f, err)
	g.Show(w, r, page.Page{Kind: page.Misconfigured, Reference: f.Name()},
		"misconfigured", "Sign-in is not set up correctly on this site.")
}
