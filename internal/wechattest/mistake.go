package wechattest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Mistake is one thing that an operator, or WeChat, gets wrong: what a check of
// a set-up must find. Every account makes it.
type Mistake struct {
	Name  string
	What  words
	plant func(*Server)
}

// clockOff is how far WeChat's clock is away in the mistakes about the clock.
const clockOff = time.Hour

// Mistakes returns all mistakes.
func Mistakes() []Mistake { return slices.Clone(mistakes) }

// mistakes is the table of all mistakes.
var mistakes = []Mistake{
	{"wrong_secret", words{"AppSecret 不对", "the secret is another one (40125)"}, accountsWith(func(a *Account) { a.Secret = "another secret, set in the console" })},
	{"unknown_app_id", words{"AppID 不存在", "WeChat does not know the app id (40013)"}, answers(40013)},
	{"invalid_credential", words{"凭证无效", "the credential is invalid (40001)"}, answers(40001)},
	{"ip_not_allowed", words{"地址不在 IP白名单", "the caller is not on the allow-list (40164)"}, quirk(func(q *Quirks) { q.IPNotAllowed.On = true })},
	{"secret_frozen", words{"AppSecret 被冻结", "the secret is frozen (40243)"}, answers(40243)},
	{"daily_quota", words{"当天次数用完", "the day's quota is used up (45009)"}, answers(45009)},
	{"minute_quota", words{"调用太频繁", "too many calls this minute (45011)"}, quirk(func(q *Quirks) { q.TooFrequent.On = true })},
	{"api_unauthorized", words{"没有接口权限", "no permission for the call (48001)"}, answers(48001)},
	{"followers_unauthorized", words{"没有用户管理权限", "no permission to ask who follows (48001)"}, quirk(func(q *Quirks) { q.WrongErrcode = Number{Value: 48001, Endpoint: AtFollower} })},
	{"followers_not_allowed", words{"查询关注者时地址不在 IP白名单", "the address may not ask who follows (40164)"}, quirk(func(q *Quirks) { q.WrongErrcode = Number{Value: 40164, Endpoint: AtFollower} })},
	{"api_banned", words{"接口被封禁", "the call is banned (48004)"}, answers(48004)},
	{"admin_pending", words{"等待管理员确认", "an administrator's answer is pending (89501)"}, answers(89501)},
	{"admin_confirms", words{"需要管理员确认", "an administrator must confirm (89503)"}, answers(89503)},
	{"admin_refused_day", words{"管理员拒绝，24 小时", "an administrator refused, for 24 hours (89506)"}, answers(89506)},
	{"admin_refused_hour", words{"管理员拒绝，1 小时", "an administrator refused, for an hour (89507)"}, answers(89507)},
	{"busy", words{"系统繁忙", "WeChat is busy (-1)"}, quirk(func(q *Quirks) { q.Busy.On = true })},
	{"bad_gateway", words{"代理回答 502", "a proxy answers 502"}, quirk(func(q *Quirks) { q.HTTPStatus.Value = http.StatusBadGateway })},
	{"web_page", words{"防火墙回答网页", "a firewall answers with a web page"}, quirk(func(q *Quirks) { q.HTMLBody.On = true })},
	{"cut_connection", words{"连接中断", "the connection is cut"}, quirk(func(q *Quirks) { q.CutConnection.On = true })},
	{"clock_ahead", words{"微信的时钟快一小时", "WeChat's clock is an hour ahead"}, func(s *Server) { s.clock.Store(int64(clockOff)) }},
	{"clock_behind", words{"微信的时钟慢一小时", "WeChat's clock is an hour behind"}, func(s *Server) { s.clock.Store(-int64(clockOff)) }},
	{"callback_domain", words{"回调域名不对", "the callback domain is another one (10003)"}, accountsWith(func(a *Account) { a.CallbackDomains = []string{"other.example.com"} })},
	{"no_userinfo", words{"没有网页授权权限", "the account may not ask for the profile (10005)"}, accountsWith(func(a *Account) { a.NoUserInfo = true })},
	{"banned", words{"公众号被封禁", "the account is banned (10004)"}, accountsWith(func(a *Account) { a.Banned = true })},
	{"test_account", words{"测试号，必须关注", "a test account: only followers sign in (10006)"}, accountsWith(func(a *Account) { a.FollowersOnly = true })},
	{"page_too_often", words{"授权页操作太频繁", "too many attempts at the authorize page (10009)"}, quirk(func(q *Quirks) { q.TooFrequent = Knob{On: true, Endpoint: AtAuthorize} })},
}

// answers makes every call of the API fail with an error code.
func answers(errcode int) func(*Server) {
	return quirk(func(q *Quirks) { q.WrongErrcode.Value = errcode })
}

// quirk changes the quirks. All of the table are valid.
func quirk(change func(*Quirks)) func(*Server) {
	return func(s *Server) { _ = s.quirks.change(change) }
}

// accountsWith changes every account.
func accountsWith(change func(*Account)) func(*Server) {
	return func(s *Server) {
		for _, a := range s.Accounts() {
			change(&a)
			_ = s.AddAccount(a) // replaces the one that is there
		}
	}
}

// Plant makes the mistake with this name. It is undone by undo, which restores
// accounts, quirks and clock as they were. Errors: ErrUnknown.
func (s *Server) Plant(name string) (undo func(), err error) {
	i := slices.IndexFunc(mistakes, func(m Mistake) bool { return m.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: mistake %.40q", ErrUnknown, name)
	}
	accounts, quirks, clock := s.Accounts(), s.Quirks(), s.clock.Load()
	mistakes[i].plant(s)
	return func() {
		for _, a := range accounts {
			_ = s.AddAccount(a)
		}
		_ = s.SetQuirks(quirks)
		s.clock.Store(clock)
	}, nil
}

// setDate writes WeChat's time into an answer, if its clock is off.
func (s *Server) setDate(w http.ResponseWriter) {
	if off := s.clock.Load(); off != 0 {
		w.Header().Set("Date", time.Now().Add(time.Duration(off)).UTC().Format(http.TimeFormat))
	}
}
