package gate

import (
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// doorCall is what a client asks of one of the site's doors.
type doorCall func(*Gate, http.ResponseWriter, *site.Request, wechat.Account)

// doorCalls are the calls of each kind: /_wechat/<path>/<account>/<call>, all POST.
var doorCalls = map[string]struct {
	kind  wechat.AccountKind
	calls map[string]doorCall
}{
	"mini-program": {wechat.MiniProgram, map[string]doorCall{
		"login":   (*Gate).doorLogin,
		"profile": (*Gate).miniProfile,
		"phone":   (*Gate).miniPhone,
		"ticket":  (*Gate).issueTicket,
	}},
	"mobile-app": {wechat.MobileApp, map[string]doorCall{
		"login":    (*Gate).doorLogin,
		"declined": (*Gate).mobileDeclined,
	}},
}

// tokenEndpoints are those of browsers that also serve clients with a token.
var tokenEndpoints = map[string]func(*Gate, http.ResponseWriter, *site.Request){
	"session": (*Gate).tokenSession,
	"logout":  (*Gate).tokenLogout,
	"jssdk":   (*Gate).jssdkEndpoint,
	"check":   (*Gate).checkEndpoint,
}

// serveDoor answers what belongs to clients without cookies: the calls of doors,
// and whatever comes with a token. It returns false for anything else.
func (g *Gate) serveDoor(w http.ResponseWriter, r *site.Request, name string) bool {
	call, account, known := g.doorCall(name)
	if known || name == "session" || name == "logout" {
		if g.CORS(w, r) {
			return true
		}
	}
	endpoint, serves := tokenEndpoints[name]
	switch {
	case known && r.Method != http.MethodPost:
		response.MethodNotAllowed(w, http.MethodPost)
	case known:
		call(g, w, r, account)
	case !r.Token.Sent && strings.HasPrefix(name, "ticket/"):
		g.redeemTicket(w, r)
	case !r.Token.Sent:
		return false
	case serves:
		endpoint(g, w, r)
	default:
		// It would lead to WeChat's page, or to a session in a cookie.
		response.WriteError(w, http.StatusBadRequest, "token_not_accepted", "This address is for browsers: come without a token.")
	}
	return true
}

// doorCall finds the call at <path>/<account>/<call>, among the site's own doors of
// this kind. The account is "of another site" and "no account" alike: nobody can
// ask which there are.
func (g *Gate) doorCall(name string) (doorCall, wechat.Account, bool) {
	parts := strings.Split(name, "/")
	if len(parts) != 3 {
		return nil, wechat.Account{}, false
	}
	path := doorCalls[parts[0]]
	call := path.calls[parts[2]]
	if call == nil {
		return nil, wechat.Account{}, false
	}
	account, ok := g.Door(path.kind, parts[1])
	return call, account, ok
}
