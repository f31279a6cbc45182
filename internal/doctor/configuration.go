package doctor

import (
	"context"
	"strings"
)

// configuration says whether the configuration can be loaded, and whether it
// contains secrets.
func (v *visit) configuration(context.Context) {
	if v.Problem != nil {
		v.find("configuration", "", Failure, "configuration", text("无法加载：%v", "it cannot be loaded: %v", v.Problem))
		return
	}
	v.pass("configuration", "", text("可以加载：%d 个账号，%d 个网站", "it can be loaded: accounts: %d, sites: %d", len(v.Accounts), len(v.Sites)))
	for _, option := range v.Literals {
		v.find("inline-secret", option, Warning, "inline-secret", text("它的值直接写在配置里", "its value is written in the configuration"))
	}
	if len(v.Literals) == 0 {
		v.pass("inline-secret", "", text("配置里没有密钥的明文", "the configuration contains no secret"))
	}
}

// guards says which sites forward to an app without wechat_auth.
func (v *visit) guards(context.Context) {
	if v.Problem != nil {
		return
	}
	guarded, open := 0, 0
	for _, site := range limited(v.Sites) {
		switch {
		case site.Guarded:
			guarded++
		case site.Proxies:
			open++
			v.find("wechat_auth", site.Name, Warning, "unguarded", text("它转发到应用，却没有 wechat_auth", "it forwards to an app and has no wechat_auth"))
		}
	}
	switch {
	case guarded == 0:
		v.find("wechat_auth", "", Failure, "no-site", text("没有任何网站使用 wechat_auth", "no site has wechat_auth"))
	case open == 0:
		v.pass("wechat_auth", "", text("每个转发到应用的网站都有 wechat_auth", "every site that forwards to an app has wechat_auth"))
	}
}

// proxies compares trusted_proxies and origin with what the server has seen of
// the proxies in front of it.
func (v *visit) proxies(context.Context) {
	if v.Problem != nil {
		return
	}
	seen, well := Seen{}, true
	if v.running != nil {
		seen = v.running.Seen
	}
	if seen.Proxy != "" {
		well = false
		v.find("trusted_proxies", "", Warning, "trusted-proxies",
			text("%s 转发请求（X-Forwarded-For），但不在 trusted_proxies 里", "%s forwards requests (X-Forwarded-For) and is not in trusted_proxies", seen.Proxy))
	}
	for _, site := range limited(v.Sites) {
		if seen.Proxy == "" && site.Guarded && site.Behind && !site.Trusts {
			well = false
			v.find("trusted_proxies", site.Name, Warning, "trusted-proxies",
				text("https 由前面的代理处理，但没有 trusted_proxies", "TLS ends at a proxy in front, and there is no trusted_proxies"))
		}
	}
	if well {
		v.pass("trusted_proxies", "", text("没有看到未登记的代理", "no proxy was seen that is not trusted"))
	}
	if seen.Scheme != "" {
		v.find("origin", seen.Site, Failure, "origin",
			text("前面的代理说访客用 %s（X-Forwarded-Proto），与 origin 不一致", "according to the proxy in front, visitors use %s (X-Forwarded-Proto), which contradicts the origin", strings.ToLower(seen.Scheme)))
	}
}
