package wechattest

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"time"
)

const (
	qrPath        = "/connect/qrconnect"
	qrWaitPath    = "/connect/qrconnect/wait" // the page checks here whether the code was scanned
	qrConfirmPath = "/connect/confirm"        // the address in the code
)

// qrConnect is https://open.weixin.qq.com/connect/qrconnect: a page for the
// browsers of desktops, for websites (wechat-protocol B1). No order of the
// parameters is documented or required.
//
// Another browser scans the QR code and plays the phone; the page continues
// within three seconds. The page has the phone's buttons, too.
func (s *Server) qrConnect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if f := s.strike(AtQRConnect); f.kind != "" {
		s.faultPage(w, r, f, AtQRConnect)
		return
	}
	if len(r.URL.RawQuery) > maxQuery {
		s.errorPage(w, 0, badQuery(errTooLong))
		return
	}
	q := r.URL.Query()
	account, ok := s.roster.account(q.Get("appid"))
	// Every state that is not too long is accepted: no alphabet is documented
	// here.
	checks := []struct {
		wrong bool
		text  words
	}{
		{!ok || account.Kind != Website || account.Banned, words{"AppID 参数错误：网站应用才支持扫码登录", "appid is wrong: only website apps sign in with a QR code."}},
		{q.Get("response_type") != "code", badResponseType},
		{q.Get("scope") != scopeLogin, words{"Scope 参数错误或没有 Scope 权限", "scope is wrong or not granted to the app."}},
		{!account.covered(q.Get("redirect_uri")), words{"redirect_uri 参数错误：该链接无法访问", "redirect_uri is wrong: its host is not a callback domain of the app."}},
		{len(q.Get("state")) > maxState, words{"state 参数过长", "state is too long."}},
	}
	for _, c := range checks {
		if c.wrong {
			s.errorPage(w, 0, c.text)
			return
		}
	}
	id := rand.Text()
	s.vault.mu.Lock()
	s.vault.qrs.put(id, ask{
		grant: grant{appID: account.AppID, scope: scopeLogin}, at: AtQRConnect,
		target: q.Get("redirect_uri"), state: url.QueryEscape(q.Get("state")), shown: time.Now(),
	})
	s.vault.mu.Unlock()
	s.logf("%s shows a code", qrPath)
	s.showQR(w, r, id, account)
}
