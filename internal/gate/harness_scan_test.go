package gate_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// scanning is a site that signs desktops in by phones.
func scanning(w *town) {
	w.gate.Rules.OutsideWeChat, w.gate.Rules.Scope = site.OutsideScan, wechat.ScopeBase
}

var (
	scanWait   = regexp.MustCompile(`data-wait="([^"]+)" data-next="([^"]+)"`)
	scanNumber = regexp.MustCompile(`<p class="number">(\d{3})</p>`)
	scanChoice = regexp.MustCompile(`name="number" value="(\d{3})"`)
	scanForm   = regexp.MustCompile(`<form class="actions" method="post" action="([^"]+)">`)
)

// screen is a page with a code, on somebody's desktop.
type screen struct {
	*browser
	page             hop
	wait, next, code string // code is what the QR code holds
	number           string
}

// shows opens an address and reads the code from the screen.
func (b *browser) shows(address string) screen {
	b.town.t.Helper()
	return b.screen(b.open(address).last())
}

func (b *browser) screen(page hop) screen {
	b.town.t.Helper()
	m, n := scanWait.FindStringSubmatch(page.body), scanNumber.FindStringSubmatch(page.body)
	if page.kind() != "scan" || page.status != http.StatusForbidden || m == nil || n == nil || !strings.Contains(page.body, "<svg") {
		b.town.t.Fatalf("%s shows no code but %d %q", page.url, page.status, page.kind())
	}
	s := screen{browser: b, page: page, wait: m[1], next: html.UnescapeString(m[2]), number: n[1]}
	_, sealed, _ := strings.Cut(b.cookies(s.wait)["__Secure-wechat-scan"], ".")
	b.town.secrets.add("sealed code", sealed)
	s.code = shop + "/_wechat/scan/" + sealed
	return s
}

// state is what the desktop hears by asking.
func (s screen) state() string {
	s.town.t.Helper()
	h := s.script(http.MethodGet, s.wait+"/state")
	var said struct{ State string }
	if err := json.Unmarshal([]byte(h.body), &said); err != nil || h.status != http.StatusOK {
		s.town.t.Fatalf("state: %d %s", h.status, h.body)
	}
	return said.State
}

// reads opens a code with a phone, up to the page with the numbers.
func (b *browser) reads(code string) hop {
	b.town.t.Helper()
	page := b.open(code).last()
	if page.kind() != "scan_confirm" || page.status != http.StatusOK {
		b.town.t.Fatalf("the phone shows %d %q at %s", page.status, page.kind(), page.url)
	}
	return page
}

// choices are the numbers on the phone's page.
func choices(page hop) (all []string) {
	for _, m := range scanChoice.FindAllStringSubmatch(page.body, -1) {
		all = append(all, m[1])
	}
	return all
}

// picks clicks a number on the phone's page.
func (b *browser) picks(page hop, number string) hop {
	b.town.t.Helper()
	m := scanForm.FindStringSubmatch(page.body)
	if m == nil {
		b.town.t.Fatal("no form")
	}
	return b.form(html.UnescapeString(m[1]), url.Values{"number": {number}})
}
