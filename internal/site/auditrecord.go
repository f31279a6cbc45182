package site

import (
	"cmp"

	"github.com/caddy-wechat/gateway/internal/audit"
)

// WriteAudit writes a line about the request's visitor.
func (site *Site) WriteAudit(r *Request, a audit.Record) {
	site.Audit.Write(site.completeRecord(r, a))
}

// completeRecord completes a line about the request's visitor.
func (site *Site) completeRecord(r *Request, a audit.Record) audit.Record {
	a.Site, a.Client = r.Origin, audit.Client(r.UserAgent())
	if a.Account == "" && r.Identity != nil {
		a.Account = r.Identity.Get(FieldAccount)
	}
	a.Account = cmp.Or(a.Account, site.Account.Name)
	a.Flow = cmp.Or(a.Flow, r.Flow)
	if r.Identity != nil && a.User == "" {
		a.User, a.Session = r.Identity.Session.Person, r.Identity.Session.ID
	}
	return a
}
