package clients

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// retryQuota is how long a client waits after it hit WeChat's limit of calls in
// one minute.
const retryQuota = time.Minute

// writeFailure answers a client after a failure of WeChat or of a store, and
// says what to do next. One log line says why.
func (e Endpoints) writeFailure(w http.ResponseWriter, r *site.Request, a wechat.Account, err error) {
	switch {
	case errors.Is(err, session.ErrUnavailable), errors.Is(err, ledger.ErrUnavailable):
		e.UnavailableJSON(w, r, a, site.RetryStore, err)
	case errors.Is(err, signin.ErrNotAllowed):
		site.NotAllowedJSON(w, r)
	case errors.Is(err, wechat.ErrThrottled):
		e.Log().Note(slog.LevelWarn, "WeChat refuses more calls in this minute", a.Name, r.Flow, err)
		response.RetryIn(w, retryQuota)
		response.WriteError(w, http.StatusTooManyRequests, "too_frequent", "WeChat refuses more calls in this minute. Try again in a minute, with a new code.")
	case errors.Is(err, wechat.ErrRestart), errors.Is(err, wechat.ErrStartPage), errors.Is(err, wechat.ErrRelogin):
		e.Log().Note(slog.LevelInfo, "code not accepted", a.Name, r.Flow, err)
		response.WriteError(w, http.StatusBadRequest, "code_invalid", newCodeAdvice(a.Kind))
	case errors.Is(err, wechat.ErrDeny):
		e.Log().Note(slog.LevelWarn, "sign-in denied by WeChat", a.Name, r.Flow, err)
		e.Audit.Write(audit.Record{
			Action: audit.ActionRefuse, Account: a.Name, Client: audit.Client(r.UserAgent()), Scope: a.Kind.SessionScope(), Reason: audit.ReasonWeChat, Flow: r.Flow, Site: r.Origin,
		})
		response.WriteError(w, http.StatusForbidden, "blocked", "WeChat does not let this visitor sign in. Do not try again.")
	case errors.Is(err, wechat.ErrStop):
		e.UnavailableJSON(w, r, a, site.RetryAfter(err), err)
	case errors.Is(err, wechat.ErrAlert):
		e.Log().Note(slog.LevelError, "the account is misconfigured", a.Name, r.Flow, err)
		response.WriteError(w, http.StatusInternalServerError, "misconfigured", "This is not set up correctly. Only the operator can help.")
	default:
		e.UnavailableJSON(w, r, a, site.RetryAfter(err), err)
	}
}

// newCodeAdvice says how a client gets another code.
func newCodeAdvice(k wechat.AccountKind) string {
	if k == wechat.MobileApp {
		return "This code is no longer valid. Ask WeChat again with SendAuth and send the new code."
	}
	return "This code is no longer valid. Call wx.login again and send the new code."
}
