package doctor

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// endpoints is where the gateway's own paths begin.
const endpoints = "/_wechat/"

// origins returns the origins at which the gateway must answer: those of the
// guarded sites, and the shared callback.
func (v *visit) origins() []string {
	var all []string
	for _, site := range limited(v.Sites) {
		if site.Guarded && site.Origin != "" && !slices.Contains(all, site.Origin) {
			all = append(all, site.Origin)
		}
	}
	if v.CallbackOrigin != "" && !slices.Contains(all, v.CallbackOrigin) {
		all = append(all, v.CallbackOrigin)
	}
	return all
}

// sites asks DNS for the host of each site, and the site whether the gateway
// answers there.
func (v *visit) sites(ctx context.Context) {
	if v.Problem != nil {
		return
	}
	for _, site := range limited(v.Sites) {
		if site.Guarded && site.Origin == "" {
			v.find("site", site.Name, Unknown, "no-host", text("它的地址没有确定的域名", "its address names no single host"))
		}
	}
	for _, origin := range v.origins() {
		if v.resolves(ctx, origin) {
			v.answers[origin] = v.answersAt(ctx, origin)
		}
	}
}

// resolves asks DNS for the host of an origin.
func (v *visit) resolves(ctx context.Context, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false // the configuration has been checked
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return true // an address needs no DNS
	}
	lookup := v.LookupHost
	if lookup == nil {
		lookup = net.DefaultResolver.LookupHost
	}
	ctx, cancel := context.WithTimeout(ctx, onePatience)
	defer cancel()
	found, err := lookup(ctx, u.Hostname())
	if err != nil || len(found) == 0 {
		v.find("dns", origin, Failure, "dns", text("%s 解析不到", "%s has no address", u.Hostname()))
		return false
	}
	v.pass("dns", origin, text("%s 解析到 %s", "%s leads to %s", u.Hostname(), strings.Join(found[:min(len(found), 4)], " ")))
	return true
}

// answersAt asks a site for an endpoint of the gateway.
func (v *visit) answersAt(ctx context.Context, origin string) bool {
	said, err := ask(ctx, v.web, http.MethodGet, origin+endpoints+"session", "", "Accept", "application/json", "User-Agent", phoneAgent)
	if err != nil {
		v.find("site", origin, Failure, "site-unreachable", text("连不上：%v", "it cannot be reached: %v", err))
		return false
	}
	var object struct {
		Code int `json:"code"`
	}
	if json.Unmarshal([]byte(said.body), &object) != nil || object.Code != said.status {
		v.find("site", origin, Failure, "not-gateway", text("回答 %d，但不是网关发出的", "it answers %d, and that is not the gateway", said.status))
		return false
	}
	if said.status == http.StatusServiceUnavailable {
		v.find("site", origin, Failure, "not-ready", text("网关回答 503：存储没有准备好", "the gateway answers 503: its store is not ready"))
		return false
	}
	v.pass("site", origin, text("网关在回答", "the gateway answers"))
	return true
}

// verifyFiles asks each site for WeChat's files.
func (v *visit) verifyFiles(ctx context.Context) {
	for _, account := range limited(v.Accounts) {
		for _, file := range limited(account.VerifyFiles) {
			for _, origin := range v.origins() {
				if v.answers[origin] {
					v.verifyFile(ctx, origin, account.Name, file)
				}
			}
		}
	}
}

func (v *visit) verifyFile(ctx context.Context, origin, account string, file VerifyFile) {
	said, err := ask(ctx, v.web, http.MethodGet, origin+"/"+file.Name, "", "User-Agent", "Mozilla/4.0")
	switch {
	case err != nil:
		v.find("verify_file", account, Failure, "verify-file", text("%s 连不上：%v", "%s cannot be reached: %v", origin+"/"+file.Name, err))
	case said.status != http.StatusOK || strings.TrimSpace(said.body) != file.Content:
		v.find("verify_file", account, Failure, "verify-file", text("%s 回答 %d，内容不是配置里的", "%s answers %d, and not with the configured content", origin+"/"+file.Name, said.status))
	default:
		v.pass("verify_file", account, text("%s 内容正确", "%s has the right content", origin+"/"+file.Name))
	}
}
