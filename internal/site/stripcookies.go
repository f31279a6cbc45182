package site

import "github.com/caddy-wechat/gateway/internal/cookies"

// StripCookies removes our cookies from a request before the app sees it. With
// Rules.PassCookies the app gets those of its own site, but never those of
// another site on the host.
func (site *Site) StripCookies(r *Request) {
	if site.Rules.PassCookies {
		cookies.StripOthers(r.Request, r.CookieScope)
		return
	}
	cookies.Strip(r.Request)
}
