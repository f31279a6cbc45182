package signin

import (
	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Visitor is what must be known of a request after it is over.
type Visitor struct {
	Client  string
	Before  *session.Session // the browser's session until now, nil if it has none
	Browser string           // the same for all sign-ins of one browser at a time; "" for clients
}

// action says what a sign-in was: a second step if the same person was here.
func (v Visitor) action(person string, asked wechat.Scope) audit.Action {
	if v.Before != nil && v.Before.Person == person && asked == wechat.ScopeUserInfo {
		return audit.ActionStepUp
	}
	return audit.ActionSignIn
}
