package signin

import (
	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Visitor is what a sign-in needs of a request, also after the request has
// ended.
type Visitor struct {
	Client   string
	Flow     string           // the name of the sign-in, for the log; "" for none
	Previous *session.Session // the browser's previous session, nil if it has none
	Browser  string           // the same for parallel sign-ins of one browser; "" for clients without cookies
}

// action returns the audit action of a sign-in: a step-up if the same person
// was signed in and has consented now.
func (v Visitor) action(person string, asked wechat.Scope) audit.Action {
	if v.Previous != nil && v.Previous.Person == person && asked == wechat.ScopeUserInfo {
		return audit.ActionStepUp
	}
	return audit.ActionSignIn
}
