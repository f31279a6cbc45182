package site

import (
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/request"
)

// Prepare works out what the dance needs to know of a request.
func (site *Site) Prepare(r *Request) bool {
	r.Token, r.withdrawn = takeToken(r.Request), site.Hub.Keys.Withdrawn()
	origin, ok := request.Origin(site.Origin, r.Request)
	if !ok {
		return false
	}
	r.Origin, r.Place = origin, cookies.SiteOf(origin)
	site.warnOfScheme(r)
	if r.HasSides = cookies.Any(r.Request); r.HasSides {
		r.Landed = int8(site.Counter(r).Read(r.Request, cookies.Landed, ""))
		r.Foreign = cookies.ReadForeign(r.Request, r.Place)
		if held := cookies.ReadSecrets(r.Request, r.Place); held != nil {
			r.secrets = &held
		}
	}
	if r.Need == "" {
		r.Need = site.Rules.Scope
	}
	return true
}
