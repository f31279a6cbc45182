package gate

import (
	"errors"
	"net/http"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/follow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// unavailable returns the decision about a request whose visitor cannot be
// found out.
func unavailable(err error) site.Decision {
	if errors.Is(err, follow.ErrUnknown) {
		return site.DecidedFollowUnknown
	}
	return site.DecidedStoreUnavailable
}

// maxFollowForm bounds the form of the page that asks to follow, in bytes.
const maxFollowForm = 16 << 10

// followEndpoint handles the button of the page that asks to follow: WeChat is
// asked again at once, within a limit. A visitor who follows goes on to the
// page that was asked for; another one gets the page again.
func (g *Gate) followEndpoint(w http.ResponseWriter, r *site.Request) {
	switch {
	case !g.Rules.AllowFollowers:
		response.WriteError(w, http.StatusNotFound, "not_found", "There is no such endpoint.")
		return
	case request.IsNavigation(r.Request) && r.Method == http.MethodGet:
		site.ReturnTo(w, r, "/") // a WebView has loaded the answer to the form again
		return
	case !g.RequireSameOriginPost(w, r):
		return
	case !response.ReadForm(w, r.Request, maxFollowForm):
		return
	}
	target := request.ReturnTarget(r.PostFormValue("return_to"), r.Origin)
	r.HasFollowed = true
	err := g.Identify(r)
	switch {
	case err != nil:
		g.Unavailable(w, r, site.RetryStore, flow.Flow{Target: target, Scope: wechat.ScopeBase}, err)
	case r.Refusal == site.NotFollowing:
		g.AskToFollow(w, r, target, page.NotYet)
	case r.Refused != nil:
		g.notAllowed(w, r, target)
	case request.WantsPage(r.Request) && !r.Token.Sent:
		site.ReturnTo(w, r, target) // without a session, to sign in there
	case r.Identity == nil:
		g.refuseJSON(w, r, wechat.ScopeBase)
	default:
		response.WriteJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK})
	}
}
