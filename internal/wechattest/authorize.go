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

// Which browsers are WeChat's. WeCom also says MicroMessenger, so it is looked
// for first.
var (
	weCom  = regexp.MustCompile(`(?i)wxwork/\d`)
	weChat = regexp.MustCompile(`(?i)MicroMessenger/\d`)
)

// authorize is https://open.weixin.qq.com/connect/oauth2/authorize. What is
// wrong is said on this page and never sent back (WeChat: web authorisation
// guide, A1).
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
		s.notice(w, "请在微信客户端打开链接", "Please open this link in WeChat.")
		return
	}
	query, err := parseAuthorize(r.URL.RawQuery)
	if err != nil {
		// PC WeChat shows an almost blank page for a wrong order (F5).
		s.errorPage(w, 0, err.Error())
		return
	}
	account, code := s.checkAuthorize(query)
	person, ok := s.holder(r)
	switch {
	case code != 0:
		s.errorPage(w, code, authorizeErrors[code])
		return
	case query.responseType != "code":
		s.errorPage(w, 0, "response_type 参数错误")
		return
	case person.Closed:
		s.notice(w, "该微信账号已注销", "This person has closed the WeChat account. Choose another one on the simulator's front page.")
		return
	case !ok:
		s.notice(w, "没有微信用户", "The simulator has no person to sign in. Add one on its front page.")
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

// authorizeErrors are shown on WeChat's page only (O3c).
var authorizeErrors = map[int]string{
	-1:    "系统繁忙",
	10003: "redirect_uri 域名与后台配置不一致",
	10004: "此公众号被封禁",
	10005: "此公众号并没有这些 scope 的权限",
	10006: "必须关注此测试号",
	10009: "操作太频繁了，请稍后重试",
	10010: "scope 不能为空",
	10011: "redirect_uri 不能为空",
	10012: "appid 不能为空",
	10013: "state 只能是 a-zA-Z0-9，最多 128 字节",
	10015: "公众号未授权第三方平台，请检查授权状态",
	10016: "不支持微信开放平台的 Appid，请使用公众号 Appid",
}

// checkAuthorize finds the first thing that is wrong, or 0.
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

// redirectSelf sends the browser to this page again, with connect_redirect=1, as
// WeChat does (F8). The browser keeps the fragment.
func (s *Server) redirectSelf(w http.ResponseWriter, r *http.Request) {
	raw := r.URL.RawQuery + "&connect_redirect=1"
	s.vault.mu.Lock()
	s.vault.doubles.put(raw, struct{}{})
	s.vault.mu.Unlock()
	redirect(w, authorizePath+"?"+raw)
}

// doublesFor tells whether a double callback may strike: for requests that came
// without connect_redirect=1, or by the quirk for all.
func (s *Server) doublesFor(raw string) bool {
	s.vault.mu.Lock()
	_, added := s.vault.doubles.take(raw)
	s.vault.mu.Unlock()
	return added || s.quirks.copy().DespiteConnectRedirect
}

// faultPage answers a fault at a page.
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

// redirect sends the browser on. Nothing of this may be cached.
func redirect(w http.ResponseWriter, target string) {
	w.Header().Set("Cache-Control", "no-cache, no-store, must-revalidate")
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusFound)
}
