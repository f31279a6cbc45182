package caddymodule

import (
	"log/slog"
	"net/url"
	"strings"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// provisionHosts reads where WeChat is reached.
func (a *App) provisionHosts() error {
	open, err := expandURL("open_url", a.OpenURL)
	if err != nil {
		return err
	}
	api, err := expandURL("api_url", a.APIURL)
	if err != nil {
		return err
	}
	a.client = &wechat.Client{OpenURL: open, APIURL: api}
	a.warnOfHost("open_url", open, "others on the way can read and change what visitors do there", isOpenHost)
	a.warnOfHost("api_url", api, "the app secret is sent there in the clear, and whoever answers decides who visitors are", isAPIHost)
	return nil
}

// warnOfHost says at each start that an address is not WeChat's own: a line that
// was written for a test is forgotten easily.
func (a *App) warnOfHost(option, address, danger string, isWeChats func(host string) bool) {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return
	}
	host := slog.String("host", u.Host)
	switch {
	case u.Scheme == "http":
		a.logger.Warn(option+" is plain http, which is for a simulator only: "+danger+". Remove "+option+" in production, or write https", host)
	case !isWeChats(strings.ToLower(u.Hostname())):
		a.logger.Info(option+" is not a host of WeChat's: it is trusted as WeChat is", host)
	}
}

func isOpenHost(host string) bool { return host == "open.weixin.qq.com" }

// isAPIHost knows the other names of the API too: api2 (disaster recovery), and
// sh.api, sz.api and hk.api of the regions.
func isAPIHost(host string) bool {
	return host == "api.weixin.qq.com" || host == "api2.weixin.qq.com" || strings.HasSuffix(host, ".api.weixin.qq.com")
}
