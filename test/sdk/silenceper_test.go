package sdk

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/silenceper/wechat/v2"
	"github.com/silenceper/wechat/v2/cache"
	miniconfig "github.com/silenceper/wechat/v2/miniprogram/config"
	"github.com/silenceper/wechat/v2/officialaccount"
	"github.com/silenceper/wechat/v2/officialaccount/config"
	"github.com/silenceper/wechat/v2/officialaccount/message"
	"github.com/silenceper/wechat/v2/util"
)

// simulated points silenceper/wechat, which knows WeChat's hosts only, at the
// simulator.
func (w *world) simulated(address string) string {
	for _, host := range []string{"https://api.weixin.qq.com", "https://open.weixin.qq.com"} {
		address = strings.Replace(address, host, w.wechat, 1)
	}
	return address
}

// account makes the SDK's official account.
func (w *world) account(secret string) *officialaccount.OfficialAccount {
	util.SetURIModifier(w.simulated)
	w.t.Cleanup(func() { util.SetURIModifier(nil) })
	return wechat.NewWechat().GetOfficialAccount(&config.Config{
		AppID: appID, AppSecret: secret, Token: pushToken, EncodingAESKey: pushKey, Cache: cache.NewMemory(),
	})
}

// goApp is an app with a sign-in of its own: silenceper/wechat, as people use
// it.
type goApp struct {
	w       *world
	account *officialaccount.OfficialAccount
}

func (a goApp) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var answer identity
	var err error
	switch r.URL.Path {
	case "/own/login":
		var address string
		address, err = a.account.GetOauth().GetRedirectURL(a.w.site+"/own/callback", "snsapi_userinfo", r.FormValue("state"))
		if err == nil {
			http.Redirect(rw, r, a.w.simulated(address), http.StatusFound)
			return
		}
	case "/own/callback":
		answer, err = a.callback(r)
	default:
		answer.OpenID = r.Header.Get("X-Wechat-Openid")
	}
	if err != nil {
		answer.Errmsg = err.Error()
	}
	_ = json.NewEncoder(rw).Encode(answer)
}

func (a goApp) callback(r *http.Request) (identity, error) {
	oauth := a.account.GetOauth()
	token, err := oauth.GetUserAccessToken(r.FormValue("code"))
	if err != nil {
		return identity{}, err
	}
	good, err := oauth.CheckAccessToken(token.AccessToken, token.OpenID)
	if err != nil {
		return identity{}, err
	}
	user, err := oauth.GetUserInfo(token.AccessToken, token.OpenID, "zh_CN")
	if err != nil {
		return identity{}, err
	}
	renewed, err := oauth.RefreshAccessToken(token.RefreshToken)
	if err != nil {
		return identity{}, err
	}
	return identity{
		OpenID: user.OpenID, UnionID: user.Unionid, Nickname: user.Nickname, State: r.FormValue("state"),
		Renewed: good && renewed.OpenID == user.OpenID,
	}, nil
}

// An app that keeps its own sign-in behind the gateway gets the same person
// from both.
func TestSilenceperSignsInBehindTheGateway(t *testing.T) {
	w := newWorld(t)
	app := httptest.NewServer(goApp{w, w.account(appSecret)})
	defer app.Close()
	w.runGateway(app.URL, "")
	w.ownSignIn("40163")
}

// The calls of a server: the classic token, followers, the JS-SDK. The
// gateway's own token is not touched by them.
func TestSilenceperCallsTheAPI(t *testing.T) {
	w := newWorld(t)
	account := w.account(appSecret)
	app := httptest.NewServer(goApp{w, account})
	defer app.Close()
	w.runGateway(app.URL, "")
	browser := visitor(t)
	openID := read[identity](t, open(t, browser, w.site+"/")).OpenID
	jssdk := func() string {
		body := open(t, browser, w.site+"/_wechat/jssdk?url="+url.QueryEscape(w.site+"/"))
		if !strings.Contains(body, `"signature"`) {
			t.Errorf("the gateway's JS-SDK: %s", body)
		}
		return body
	}
	jssdk()
	w.press("follow", "person", person, "account", appID, "to", "on")
	users := account.GetUser()
	one, err := users.GetUserInfo(openID)
	if err != nil || one.Subscribe != 1 || one.OpenID != openID || one.UnionID == "" {
		t.Errorf("user/info: %+v, %v", one, err)
	}
	js, err := account.GetJs().GetConfig(w.site + "/")
	if err != nil || js.AppID != appID || len(js.Signature) != 40 {
		t.Errorf("JS-SDK: %+v, %v", js, err)
	}
	for range 3 { // each fetches a new token, and lets the one before end
		if token, err := w.account(appSecret).GetAccessToken(); err != nil || token == "" {
			t.Errorf("token: %q, %v", token, err)
		}
	}
	jssdk()
	if _, err := w.account(miniSecret).GetAccessToken(); err == nil || !strings.Contains(err.Error(), "40125") {
		t.Errorf("with the mini program's secret: %v", err)
	}
}

// A mini program's server: wx.login, checksession, the phone number.
func TestSilenceperServesAMiniProgram(t *testing.T) {
	w := newWorld(t)
	util.SetURIModifier(w.simulated)
	defer util.SetURIModifier(nil)
	auth := wechat.NewWechat().GetMiniProgram(&miniconfig.Config{AppID: miniID, AppSecret: miniSecret, Cache: cache.NewMemory()}).GetAuth()
	type code struct{ Code string }
	session, err := auth.Code2Session(read[code](t, w.play("login", miniID, "")).Code)
	if err != nil || session.OpenID == "" || session.UnionID == "" {
		t.Fatalf("%+v, %v", session, err)
	}
	if err := auth.CheckSession(util.Signature(session.SessionKey), session.OpenID); err == nil {
		t.Error("a wrong signature was accepted")
	}
	if err := auth.CheckSession(signEmpty(session.SessionKey), session.OpenID); err != nil {
		t.Errorf("checksession: %v", err)
	}
	phone, err := auth.GetPhoneNumber(read[code](t, w.play("phone", miniID, "")).Code)
	if err != nil || phone.PhoneInfo.CountryCode != "86" || len(phone.PhoneInfo.PurePhoneNumber) != 11 {
		t.Errorf("%+v, %v", phone, err)
	}
}

// goBot is a message bot: silenceper/wechat, as people use it, in safe mode.
func (w *world) goBot() string {
	account := w.account(appSecret)
	bot := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		server := account.GetServer(r, rw)
		server.SetMessageHandler(func(m *message.MixMessage) *message.Reply {
			return &message.Reply{MsgType: message.MsgTypeText, MsgData: message.NewText("您说:" + m.Content)}
		})
		if err := server.Serve(); err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		if err := server.Send(); err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
		}
	}))
	w.t.Cleanup(bot.Close)
	return bot.URL
}
