package clients

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// The codes that an app gets from WeChat's SDK when the visitor does not sign
// in (wechat-protocol C3), with the reasons in events. -4 also appears where
// the app's signature is not registered.
var declinedReasons = map[int]string{
	-4: "app_denied",
	-2: "app_cancelled",
}

// mobileDeclined lets an app report that its visitor declined to sign in.
// WeChat tells only the app.
func (e Endpoints) mobileDeclined(w http.ResponseWriter, r *site.Request, a wechat.Account) {
	var body struct {
		Code int `json:"code"`
	}
	if !response.ReadJSON(w, r.Request, maxLoginBody, &body) {
		return
	}
	reason, ok := declinedReasons[body.Code]
	if !ok {
		response.WriteError(w, http.StatusBadRequest, "unknown_code", "Only -4 (denied) and -2 (cancelled) are refusals.")
		return
	}
	if !e.Teller().AllowUnknown(r.Network(), e.Declines, "") {
		response.RetryIn(w, time.Minute)
		response.WriteError(w, http.StatusTooManyRequests, "too_frequent", "Too many refusals in this minute.")
		return
	}
	ctx, cancel := e.StoreContext(r)
	defer cancel()
	err := e.Teller().Queue(ctx, ledger.Event{
		Kind: ledger.Declined, AppID: a.Credentials.AppID, Scope: a.Kind.SessionScope(), Reason: reason,
	})
	if err != nil {
		e.UnavailableJSON(w, r, a, site.RetryStore, err)
		return
	}
	e.SignIns().Begin(a.Name, signin.ByMobileApp)
	e.SignIns().End(a.Name, signin.ByMobileApp, signin.Declined)
	e.Logger.Info("the visitor of an app refused to sign in", slog.String("account", a.Name), slog.String("reason", reason))
	e.Audit.Write(audit.Record{
		Action: audit.ActionDecline, Account: a.Name, Client: audit.Client(r.UserAgent()), Scope: a.Kind.SessionScope(), Reason: reason, Site: r.Origin,
	})
	response.WriteJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK})
}
