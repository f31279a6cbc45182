package caddymodule

import (
	"log/slog"
	"net/url"
	"strings"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// provisionHosts reads the addresses of WeChat's hosts.
func (a *App) provisionHosts() error {
	open, err := expandURL("open_url", a.OpenURL)
	if err != nil {
		return err
	}
	api, err := expandURL("api_url", a.APIURL)
	if err != nil {
		return err
	}
	a.client = &wechat.Client{OpenURL: open, APIURL: api, Observe: a.observeWeChat}
	a.warnOfHost("open_url", open, "attackers on the network can read and change the sign-in", isOpenHost)
	a.warnOfHost("api_url", api, "the app secret is sent there unencrypted, and the server that answers decides each visitor's identity", isAPIHost)
	return nil
}

// warnOfHost warns at each start if an address is not WeChat's own, because an
// operator easily forgets a line that was written for a test.
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
		a.logger.Info(option+" is not one of WeChat's hosts: it is trusted like WeChat", host)
	}
}

func isOpenHost(host string) bool { return host == "open.weixin.qq.com" }

// isAPIHost also accepts the API's other names: api2 (disaster recovery), and
// sh.api, sz.api and hk.api of the regions.
func isAPIHost(host string) bool {
	return host == "api.weixin.qq.com" || host == "api2.weixin.qq.com" || strings.HasSuffix(host, ".api.weixin.qq.com")
}
