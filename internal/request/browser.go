package request

import (
	"net/http"
	"regexp"
	"strings"
)

// Family is the kind of client a User-Agent claims to be. It only selects how a
// visitor is asked to sign in. It never grants anything, since a client can
// send any User-Agent (attack: GHSA-5hvv-m4w4-gf6v).
type Family string

// The families that the dance distinguishes.
const (
	FamilyNone     Family = "none"     // an ordinary browser
	FamilyWeChat   Family = "wechat"   // the WeChat browser, on a phone or a desktop
	FamilyWeCom    Family = "wecom"    // 企业微信: looks like WeChat, cannot do its dance
	FamilyDevtools Family = "devtools" // WeChat's developer tools
)

// Browser is what a User-Agent says about its client.
type Browser struct {
	Family      Family
	MiniProgram bool // a web-view inside a mini program
}

// signs are tried in this order: WeCom and the developer tools also carry
// MicroMessenger.
var signs = []struct {
	family  Family
	pattern *regexp.Regexp
}{
	{FamilyWeCom, regexp.MustCompile(`(?i)wxwork/\d`)},
	{FamilyDevtools, regexp.MustCompile(`(?i)wechatdevtools/`)},
	{FamilyWeChat, regexp.MustCompile(`(?i)MicroMessenger/\d`)},
}

// MaxUserAgent bounds the part of a User-Agent that is read, in bytes.
const MaxUserAgent = 1024

// DetectBrowser reads a User-Agent header.
func DetectBrowser(userAgent string) Browser {
	if len(userAgent) > MaxUserAgent {
		userAgent = userAgent[:MaxUserAgent]
	}
	b := Browser{Family: FamilyNone}
	for _, sign := range signs {
		if sign.pattern.MatchString(userAgent) {
			b.Family = sign.family
			break
		}
	}
	b.MiniProgram = b.Family != FamilyNone && strings.Contains(strings.ToLower(userAgent), "miniprogram")
	return b
}

// InWeChat reports whether the client can complete WeChat's web authorisation.
func (b Browser) InWeChat() bool {
	return b.Family == FamilyWeChat || b.Family == FamilyDevtools
}

// WantsPage reports whether r is a browser loading a page, whatever its method:
// the answer may then be HTML. Every other request (XHR, fetch, images,
// WebSocket handshakes) gets JSON and is never redirected to WeChat.
func WantsPage(r *http.Request) bool {
	if r.Header.Get("Upgrade") != "" {
		return false // a WebSocket handshake cannot follow a redirect
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	if r.Header.Get("Sec-Fetch-Dest") != "" {
		return r.Header.Get("Sec-Fetch-Dest") == "document"
	}
	// Android's WebView sends X-Requested-With: com.tencent.mm on page loads,
	// so the presence of the header says nothing.
	if strings.EqualFold(r.Header.Get("X-Requested-With"), "XMLHttpRequest") {
		return false
	}
	return strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/html")
}

// IsNavigation reports whether r is a page load that may be redirected: a
// redirect must never turn a POST silently into a GET.
func IsNavigation(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && WantsPage(r)
}
