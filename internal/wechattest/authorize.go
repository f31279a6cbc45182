package wechattest

import (
	"net/http"
	"regexp"
	"slices"
)

const (
	authorizePath = "/connect/oauth2/authorize"
	consentPath   = "/connect/oauth2/consent"
)

// Which browsers are WeChat's. WeCom's User-Agent also contains MicroMessenger,
// so it is checked first.
var (
	weCom  = regexp.MustCompile(`(?i)wxwork/\d`)
	weChat = regexp.MustCompile(`(?i)MicroMessenger/\d`)
)

// authorize is https://open.weixin.qq.com/connect/oauth2/authorize. Errors are
// shown on this page and never sent to the callback (wechat-protocol A1.5).
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if f := s.strike(AtAuthorize); f.kind != "" {
		s.faultPage(w, r, f, AtAuthorize)
		return
	}
	if agent := r.UserAgent(); !s.config.AnyUserAgent && (weCom.MatchString(agent) || !weChat.MatchString(agent)) {
		s.notice(w, notInWeChat)
		return
	}
	query, err := parseAuthorize(r.URL.RawQuery)
	if err != nil {
		// PC WeChat shows an almost blank page for a wrong order
		// (wechat-protocol A1.1).
		s.errorPage(w, 0, badQuery(err))
		return
	}
	account, code := s.checkAuthorize(query)
	person, ok := s.holder(r)
	switch {
	case code != 0:
		if code == 10003 {
			s.logUncovered(account, query.redirectURI)
		}
		s.errorPage(w, code, authorizeErrors[code])
		return
	case query.responseType != "code":
		s.errorPage(w, 0, badResponseType)
		return
	case person.Closed:
		s.notice(w, accountClosed)
		return
	case !ok:
		s.notice(w, noPerson)
		return
	case account.FollowersOnly && !slices.Contains(person.Follows, account.AppID):
		s.errorPage(w, 10006, authorizeErrors[10006])
		return
	}
	if !query.connectRedirect {
		s.redirectSelf(w, r)
		return
	}
	s.ask(w, ask{
		grant:  grant{person: person.ID, appID: account.AppID, scope: query.scope},
		at:     AtAuthorize,
		target: query.redirectURI, state: query.state,
		double: s.doublesFor(r.URL.RawQuery),
	}, s.scene(query, person))
}

// authorizeErrors are shown on WeChat's page only (wechat-protocol A1.5).
var authorizeErrors = map[int]words{
	-1:    {"系统繁忙", "The system is busy."},
	10003: {"redirect_uri 域名与后台配置不一致", "The host of redirect_uri is not a callback domain of the account."},
	10004: {"此公众号被封禁", "The account is banned."},
	10005: {"此公众号并没有这些 scope 的权限", "The account may not ask for this scope."},
	10006: {"必须关注此测试号", "Follow this test account first."},
	10009: {"操作太频繁了，请稍后重试", "Too many attempts. Try again later."},
	10010: {"scope 不能为空", "scope is missing."},
	10011: {"redirect_uri 不能为空", "redirect_uri is missing."},
	10012: {"appid 不能为空", "appid is missing."},
	10013: {"state 只能是 a-zA-Z0-9，最多 128 字节", "state has only a-zA-Z0-9, at most 128 bytes."},
	10015: {"公众号未授权第三方平台，请检查授权状态", "The account has not authorised the third-party platform."},
	10016: {"不支持微信开放平台的 Appid，请使用公众号 Appid", "An app id of the Open Platform does not work here. Use that of an official account."},
}

// checkAuthorize returns the code of the first error, or 0.
func (s *Server) checkAuthorize(q authorizeQuery) (Account, int) {
	account, known := s.roster.account(q.appID)
	checks := []struct {
		wrong bool
		code  int
	}{
		{q.appID == "", 10012},
		{!known || account.Kind != OfficialAccount, 10016},
		{q.component, 10015},
		{account.Banned, 10004},
		{q.redirectURI == "", 10011},
		{q.scope == "", 10010},
		{!validState(q.state), 10013},
		{q.scope != scopeBase && q.scope != scopeUserInfo, 10005},
		{q.scope == scopeUserInfo && account.NoUserInfo, 10005},
		{!account.covered(q.redirectURI), 10003},
	}
	for _, c := range checks {
		if c.wrong {
			return account, c.code
		}
	}
	return account, 0
}

// redirectSelf sends the browser to this page again, with connect_redirect=1,
// as WeChat does (wechat-protocol A1.3). The browser keeps the fragment.
func (s *Server) redirectSelf(w http.ResponseWriter, r *http.Request) {
	raw := r.URL.RawQuery + "&connect_redirect=1"
	s.vault.mu.Lock()
	s.vault.doubles.put(raw, struct{}{})
	s.vault.mu.Unlock()
	redirect(w, authorizePath+"?"+raw)
}

// doublesFor reports whether a double callback may happen: for requests without
// connect_redirect=1, or for all if the quirk is on.
func (s *Server) doublesFor(raw string) bool {
	s.vault.mu.Lock()
	_, added := s.vault.doubles.take(raw)
	s.vault.mu.Unlock()
	return added || s.quirks.copy().DespiteConnectRedirect
}

// faultPage carries out a fault at a page.
func (s *Server) faultPage(w http.ResponseWriter, r *http.Request, f fault, at string) {
	s.logf("%s quirk=%s", at, f.kind)
	switch {
	case f.write != nil:
		f.write(w, r)
	case f.kind == "TooFrequent":
		s.errorPage(w, 10009, authorizeErrors[10009])
	default:
		s.errorPage(w, f.errcode, authorizeErrors[f.errcode])
	}
}

// redirect sends the browser to target. The answer must not be cached.
func redirect(w http.ResponseWriter, target string) {
	w.Header().Set("Cache-Control", "no-cache, no-store, must-revalidate")
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusFound)
}
