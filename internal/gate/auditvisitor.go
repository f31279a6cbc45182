package gate

import (
	"cmp"

	"github.com/caddy-wechat/gateway/internal/audit"
)

// audit writes a line about the request's visitor.
func (g *Gate) audit(r *Request, a audit.Record) {
	if g.Audit == nil {
		return
	}
	audit.Write(g.Audit, g.described(r, a))
}

// described completes a line about the request's visitor.
func (g *Gate) described(r *Request, a audit.Record) audit.Record {
	a.Site, a.Client = r.origin, audit.Client(r.UserAgent())
	if a.Account == "" && r.id != nil {
		a.Account = r.id.Get(FieldAccount)
	}
	a.Account = cmp.Or(a.Account, g.Account.Name)
	if r.id != nil && a.User == "" {
		a.User, a.Session = r.id.session.Person, r.id.session.ID
	}
	return a
}
