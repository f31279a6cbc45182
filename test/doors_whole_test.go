package test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// A whole run: every door, everything that a token is good for, and each of
// WeChat's calls failing in each way, with logs at DEBUG. Nothing that the
// gateway says, to anybody, holds a secret, and no phone number is in a log.
func TestWholeRunKeepsItsSecrets(t *testing.T) {
	for _, redis := range []bool{false, true} {
		t.Run(storeName(redis), func(t *testing.T) {
			d := newDoorWorld(t, doorOptions{redis: redis, official: "follower_unionid on"})
			person := d.person("lan")
			for range 2 { // again: the silent way
				for _, door := range doors {
					g := d.enter(person, door)
					if _, err := g.who(); err != nil {
						t.Fatal(err)
					}
				}
			}
			d.runMini(person)
			mini := d.enter(person, atMini)
			phone := d.useToken(mini)
			for _, quirks := range troubles() {
				d.suffer(quirks, person)
			}
			for path, least := range map[string]int{"/sns/jscode2session": 5, "/sns/oauth2/access_token": 5, "/sns/userinfo": 5, "/cgi-bin/stable_token": 2, "/wxa/business/getuserphonenumber": 2, "/cgi-bin/ticket/getticket": 1, "/cgi-bin/user/info": 1} {
				if n := d.wechat.CountCalls(path); n < least {
					t.Errorf("%s was called %d times: nothing was tried", path, n)
				}
			}
			d.noSecrets()
			d.noPanic()
			answers, _ := d.transport.all()
			for _, word := range []string{`"session_key"`, `"access_token"`, `"refresh_token"`, `"unionid"`, "jsapi_ticket"} {
				if strings.Contains(answers, word) {
					t.Errorf("an answer has %s", word)
				}
			}
			for name, text := range map[string]string{"caddy.log": d.log(), "access.log": d.file("access.log"), "the metrics": d.adminGet("/metrics")} {
				if strings.Contains(text, phone) {
					t.Errorf("%s has the phone number", name)
				}
			}
		})
	}
}

// useToken does everything that a mini program's token is good for, and returns
// the person's phone number.
func (d *doorWorld) useToken(g *guest) (phone string) {
	d.t.Helper()
	profile, err := d.wechat.EncryptedProfile(g.person, miniAppID)
	if err != nil {
		d.t.Fatal(err)
	}
	sealed, err := d.wechat.EncryptedPhone(g.person, miniAppID)
	if err != nil {
		d.t.Fatal(err)
	}
	g.must(http.StatusOK, http.MethodPost, miniProfilePath, profile)
	g.must(http.StatusOK, http.MethodPost, miniPhonePath, sealed)
	s := g.must(http.StatusOK, http.MethodPost, miniPhonePath, map[string]string{"code": d.wechat.PhoneCode(g.person, miniAppID)})
	_, number, ok := strings.Cut(s.Phone, " ")
	if told, err := g.who(); err != nil || told["X-Wechat-Phone"] != s.Phone || !ok {
		d.t.Errorf("phone %q, the app is told %v (%v)", s.Phone, told, err)
	}
	view := d.guest(g.person, atOfficial)
	view.userAgent = webViewUA
	if s, err := view.dance(g.ticketFor("/who")); err != nil || !strings.Contains(s.body, `"mini_program"`) {
		d.t.Errorf("web-view: %s %v", s.body, err)
	}
	g.must(http.StatusOK, http.MethodGet, "/_wechat/session", nil)
	g.must(http.StatusOK, http.MethodGet, "/_wechat/jssdk?url="+url.QueryEscape(d.site+"/"), nil)
	g.must(http.StatusOK, http.MethodPost, declinedPath, map[string]int{"code": -4})
	g.must(http.StatusOK, http.MethodPost, "/_wechat/logout", map[string]any{})
	return number
}

// troubles are WeChat's ways to fail.
func troubles() []wechattest.Quirks {
	on := wechattest.Knob{On: true}
	all := []wechattest.Quirks{
		{HTMLBody: on},
		{HTMLBody: on, Late: true},
		{HTTPStatus: wechattest.Number{Value: 502}, Late: true},
		{TruncatedJSON: on},
		{CutConnection: on},
		{TooFrequent: on},
		{OldErrmsg: on},
		{NumbersAsStrings: on},
		{NicknameControlBytes: on},
		{GlobalTokenKilled: on},
		{GlobalTokenExpired: wechattest.Knob{On: true, Next: 1}},
		{IPNotAllowed: on},
	}
	for _, code := range []int{40001, 40003, 40013, 40029, 40125, 40163, 40226, 42001, 45011, 48001, 50002} {
		all = append(all, wechattest.Quirks{WrongErrcode: wechattest.Number{Value: code}})
	}
	return all
}

// suffer tries every door while WeChat fails in one way. What comes of it is
// for other tests; here only that it is said without secrets.
func (d *doorWorld) suffer(q wechattest.Quirks, person string) {
	d.t.Helper()
	d.quirks(wechattest.Quirks{})
	mini := d.enter(person, atMini) // in good time
	d.quirks(q)
	defer d.quirks(wechattest.Quirks{})
	for _, door := range doors {
		g := d.guest(person, door)
		g.hasty = true
		_ = g.enters() // may be refused
	}
	for _, body := range []any{
		map[string]string{"code": d.wechat.PhoneCode(person, miniAppID)},
		map[string]string{"code": d.wechat.PhoneCode("ming", miniAppID)},
		map[string]string{"encryptedData": "AAAA", "iv": "AAAA"},
	} {
		if _, err := mini.ask(http.MethodPost, miniPhonePath, body); err != nil {
			d.t.Error(err)
		}
	}
	if _, err := mini.ask(http.MethodGet, "/_wechat/jssdk?url="+url.QueryEscape(d.site+"/"), nil); err != nil {
		d.t.Error(err)
	}
}
