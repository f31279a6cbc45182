package clients

import (
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Endpoints answers clients without cookies on one site. Both fields are
// needed.
type Endpoints struct {
	*site.Site
	Declines *limit.One // limits reports of apps, see mobileDeclined
}

// call handles a client's call to one of the site's accounts.
type call func(Endpoints, http.ResponseWriter, *site.Request, wechat.Account)

// calls are the calls of each kind: /_wechat/<path>/<account>/<call>, all POST.
var calls = map[string]struct {
	kind  wechat.AccountKind
	calls map[string]call
}{
	"mini-program": {wechat.MiniProgram, map[string]call{
		"login":   Endpoints.login,
		"profile": Endpoints.miniProfile,
		"phone":   Endpoints.miniPhone,
		"ticket":  Endpoints.issueTicket,
	}},
	"mobile-app": {wechat.MobileApp, map[string]call{
		"login":    Endpoints.login,
		"declined": Endpoints.mobileDeclined,
	}},
}

// tokenEndpoints are the browsers' endpoints that also serve clients with a
// token.
var tokenEndpoints = map[string]func(Endpoints, http.ResponseWriter, *site.Request){
	"session": Endpoints.tokenSession,
	"logout":  Endpoints.tokenLogout,
	"jssdk":   Endpoints.JSSDK,
}

// Serve answers clients without cookies: calls of accounts, and every request
// with a token except a check. It returns false for other requests.
func (e Endpoints) Serve(w http.ResponseWriter, r *site.Request, name string) bool {
	ask, account, known := e.find(name)
	if known || name == "session" || name == "logout" {
		if e.CORS(w, r) {
			return true
		}
	}
	endpoint, serves := tokenEndpoints[name]
	switch {
	case known && r.Method != http.MethodPost:
		response.MethodNotAllowed(w, http.MethodPost)
	case known:
		ask(e, w, r, account)
	case !r.Token.Sent && strings.HasPrefix(name, "ticket/"):
		e.redeemTicket(w, r)
	case !r.Token.Sent, name == "check":
		return false
	case serves:
		endpoint(e, w, r)
	default:
		// A browser's endpoint leads to WeChat's page, or to a session in a
		// cookie.
		response.WriteError(w, http.StatusBadRequest, "token_not_accepted", "This address is for browsers: send no token.")
	}
	return true
}

// find returns the call at <path>/<account>/<call>, if the site has this
// account. An account of another site gets the same answer as an unknown one,
// so that a client cannot find out which accounts exist.
func (e Endpoints) find(name string) (call, wechat.Account, bool) {
	parts := strings.Split(name, "/")
	if len(parts) != 3 {
		return nil, wechat.Account{}, false
	}
	path := calls[parts[0]]
	found := path.calls[parts[2]]
	if found == nil {
		return nil, wechat.Account{}, false
	}
	account, ok := e.AccountNamed(path.kind, parts[1])
	return found, account, ok
}
