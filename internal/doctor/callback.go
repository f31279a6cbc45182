package doctor

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// callbacks begins a sign-in at each site, as a visitor in WeChat does, and
// reads where WeChat is told to send the visitor back. Then it shows WeChat the
// same address. No sign-in is finished.
func (v *visit) callbacks(ctx context.Context) {
	for _, site := range limited(v.Sites) {
		if !site.Guarded || !v.answers[site.Origin] {
			continue
		}
		v.callback(ctx, site)
		for _, name := range site.Websites {
			v.websiteCallback(ctx, site, name)
		}
	}
}

// backTo is the origin to which WeChat must send a site's visitors back.
func (v *visit) backTo(site Site) string {
	if v.CallbackOrigin != "" {
		return v.CallbackOrigin
	}
	return site.Origin
}

func (v *visit) callback(ctx context.Context, site Site) {
	said, err := navigate(ctx, v.web, site.Origin+endpoints+"login?return_to=/", phoneAgent)
	if err != nil {
		v.find("callback", site.Origin, Failure, "site-unreachable", text("登录地址连不上：%v", "the login address cannot be reached: %v", err))
		return
	}
	location, err := url.Parse(said.header.Get("Location"))
	if err != nil || !strings.HasSuffix(location.Path, "/connect/oauth2/authorize") {
		v.find("callback", site.Origin, Failure, "not-gateway", text("登录地址回答 %d，没有跳转到微信", "the login address answers %d and does not lead to WeChat", said.status))
		return
	}
	told, want := originOf(location.Query().Get("redirect_uri")), v.backTo(site)
	if told != want {
		v.find("callback", site.Origin, Failure, "origin", text("微信得到的回调地址在 %s，应该在 %s", "WeChat is given a callback at %s, and it must be at %s", told, want))
		return
	}
	location.Fragment = ""
	address := location.String()
	if site.Profile {
		// The gateway asks silently first. WeChat refuses the other scope to
		// accounts without the permission.
		address = strings.Replace(address, "scope="+string(wechat.ScopeBase)+"&", "scope="+string(wechat.ScopeUserInfo)+"&", 1)
	}
	v.judge(ctx, site.Origin, hostOf(told), address, phoneAgent)
}

// websiteCallback shows WeChat's QR page the callback of a website account.
func (v *visit) websiteCallback(ctx context.Context, site Site, name string) {
	i := slices.IndexFunc(v.Accounts, func(a Account) bool { return a.Name == name && a.Kind == wechat.Website })
	if i < 0 || v.WeChat == nil {
		return
	}
	back := v.backTo(site)
	address, _, _ := strings.Cut(v.WeChat.QRConnectURL(wechat.QRConnect{
		AppID: v.Accounts[i].Credentials.AppID, RedirectURI: back + endpoints + "callback/doctor", State: "doctor",
	}), "#")
	v.judge(ctx, name, hostOf(back), address, desktopAgent)
}

// judge shows WeChat an address with a callback, and says what WeChat's page
// says about it.
func (v *visit) judge(ctx context.Context, subject, host, address, agent string) {
	said, err := navigate(ctx, v.wechat, address, agent)
	if err != nil {
		v.find("callback", subject, Unknown, "wechat-unreachable", text("微信的页面没有回答：%v", "WeChat's page does not answer: %v", err))
		return
	}
	switch verdict, row, word := readPage(said); verdict {
	case pageAccepts:
		v.pass("callback", subject, text("微信接受回调域名 %s", "WeChat accepts the callback domain %s", host))
	case pageRefuses:
		v.find("callback", subject, Failure, row, text("微信的页面回答“%[2]s”（回调域名 %[1]s）", "WeChat's page says %[2]q (callback domain %[1]s)", host, word))
	case pageSilent:
		if said.status != http.StatusOK {
			v.find("callback", subject, Unknown, "wechat-answer", text("微信的页面回答 %d", "WeChat's page answers %d", said.status))
			return
		}
		v.find("callback", subject, Unknown, "wechat-page", text("微信会得到回调域名 %s，但没有说是否接受", "WeChat will be given the callback domain %s; it did not say whether it accepts it", host))
	}
}

// originOf returns scheme and host of an address.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "?"
	}
	return u.Scheme + "://" + u.Host
}

// hostOf returns the host of an origin, as WeChat's console wants it.
func hostOf(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	return host
}
