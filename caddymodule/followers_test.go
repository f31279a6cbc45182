package caddymodule_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/redisledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

const (
	clubToken = "tokenOfTheTest1"
	clubKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// openClub is openOffice with a site that admits followers only. ming follows.
// WeChat's pushes reach it.
func openClub(t *testing.T, store string) *office {
	t.Helper()
	o := openOffice(t, store)
	o.follow("ming", true)
	config := strings.Replace(o.config, `"scope":"snsapi_base"`, `"scope":"snsapi_base","allow_followers":true`, 1)
	config = strings.Replace(config, `"{env.SECRET}"`, fmt.Sprintf(`"{env.SECRET}","name":"main","push":{"tokens":[%q],"aes_keys":[%q]}`, clubToken, clubKey), 1)
	o.load(config)
	if err := o.sim.SetPush(simApp, wechattest.PushSettings{
		URL: o.site + "/_wechat/push/main", Token: clubToken, AESKey: clubKey, Mode: wechattest.PushSafe, Format: wechattest.PushXML,
	}); err != nil {
		t.Fatal(err)
	}
	return o
}

// follow makes somebody follow the account, or not. Nobody is told.
func (o *office) follow(person string, follows bool) {
	o.t.Helper()
	if err := o.sim.SetFollow(person, simApp, follows); err != nil {
		o.t.Fatal(err)
	}
}

// enters is how the site answers somebody: with itself, with the page that asks
// to follow, or with something else.
func (c *caller) enters() string {
	c.o.t.Helper()
	return answerOf(c.get(c.client))
}

// taps sends the form of the page that asks to follow, and says where that ends,
// as enters does.
func (c *caller) taps(target string) string {
	c.o.t.Helper()
	request, err := http.NewRequestWithContext(c.o.t.Context(), http.MethodPost, c.o.site+"/_wechat/follow", strings.NewReader(url.Values{"return_to": {target}}.Encode()))
	if err != nil {
		c.o.t.Fatal(err)
	}
	request.Header.Set("User-Agent", phoneUA)
	request.Header.Set("Accept", "text/html")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := c.client.Do(request)
	if err != nil {
		c.o.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		c.o.t.Fatal(err)
	}
	return answerOf(response.StatusCode, string(b))
}

// answerOf says what an answer of the site is.
func answerOf(status int, body string) string {
	switch {
	case status == http.StatusOK && strings.HasPrefix(body, "user=") && body != "user=":
		return "in"
	case status == http.StatusForbidden && strings.Contains(body, `<main class="follow">`) && !strings.Contains(body, "user="):
		return "page"
	}
	return fmt.Sprintf("%d %.300s", status, body)
}

func (c *caller) wants(what, want string) {
	c.o.t.Helper()
	if got := c.enters(); got != want {
		c.o.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// pushes fails unless the gateway accepted a push.
func (o *office) pushes(push func(personID, appID string) (wechattest.Pushed, error), person string) {
	o.t.Helper()
	nextSecond() // of two pushes within a second, that of an unfollow wins
	if p, err := push(person, simApp); err != nil || !p.Accepted {
		o.t.Fatalf("%+v, %v", p, err)
	}
}

// From outside, through real Caddy: followers enter, others read the page, by
// whose code they follow, and what WeChat pushes counts at once, on both stores.
func TestFollowersOnly(t *testing.T) {
	for name, store := range map[string]func(t *testing.T) string{"local": local, "redis": listedRedis} {
		t.Run(name, func(t *testing.T) {
			o := openClub(t, store(t))
			ming, hong := o.caller("ming"), o.caller("hong")
			ming.wants("a follower", "in")
			hong.wants("who does not follow", "page")
			if n := o.sim.CountCalls(wechattest.AtFollower); n != 2 {
				t.Errorf("WeChat was asked %d times", n)
			}
			o.pushes(o.sim.PushSubscribe, "hong")
			hong.wants("after a follow", "in")
			o.pushes(o.sim.PushUnsubscribe, "ming")
			ming.wants("after an unfollow", "page")
			o.load(o.config + " ")
			ming.wants("after a reload", "page")
			hong.wants("after a reload", "in")
			if err := caddy.Stop(); err != nil {
				t.Fatal(err)
			}
			o.load(o.config)
			ming.wants("after a restart", "page")
			hong.wants("after a restart", "in")
			if n := o.sim.CountCalls(wechattest.AtFollower); n != 2 {
				t.Errorf("WeChat was asked %d times although it told", n)
			}
			if n := o.sim.CountCalls(wechattest.AtQRCode); n != 1 {
				t.Errorf("%d QR codes were made", n)
			}
			// Without a push, the button asks.
			o.follow("ming", true)
			ming.wants("before the button", "page")
			if got := ming.taps("/"); got != "in" {
				t.Errorf("the button leads to %s", got)
			}
			ming.wants("after the button", "in")
		})
	}
}

// otherGateway is the ledger of another gateway on the same Redis.
func otherGateway(t *testing.T, server *redistest.Server) *redisledger.Ledger {
	t.Helper()
	client := server.Client()
	other := redisledger.New(redisledger.Options{Client: client})
	t.Cleanup(func() { _ = other.Close(); _ = client.Close() })
	return other
}

// While WeChat is away, the last answer holds for a day; with none there is
// 503, and the log says what to do.
func TestFollowersWhileWeChatIsAway(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{})
	o := openClub(t, redisConfig(server))
	_, text := o.logTo("log")
	other := otherGateway(t, server)
	ming, hong := o.caller("ming"), o.caller("hong")
	ming.wants("a follower", "in")
	hong.wants("who does not follow", "page")
	// ago makes the last answer about somebody as old.
	ago := func(person string, follow ledger.Follow, age time.Duration) {
		t.Helper()
		nextSecond()
		if _, err := other.Follow(t.Context(), ledger.Following{
			AppID: simApp, OpenID: o.sim.OpenID(person, simApp), Follow: follow, At: time.Now().Add(-age), Pushed: time.Now(),
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // until this gateway has heard of it
	}
	if err := o.sim.SetQuirks(wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 48001, Endpoint: wechattest.AtFollower}}); err != nil {
		t.Fatal(err)
	}
	ago("ming", ledger.Follows, 23*time.Hour)
	ago("hong", ledger.FollowsNot, 23*time.Hour)
	asked := o.sim.CountCalls(wechattest.AtFollower)
	ming.wants("a follower of yesterday", "in")
	hong.wants("who did not follow yesterday", "page")
	if n := o.sim.CountCalls(wechattest.AtFollower) - asked; n != 1 {
		t.Errorf("WeChat was asked %d times: it is left alone after a failure", n)
	}
	ago("ming", ledger.Follows, 25*time.Hour)
	var status int
	var body string
	waitFor(t, func() bool { status, body = ming.get(ming.client); return status != http.StatusOK })
	if status != http.StatusServiceUnavailable || strings.Contains(body, "user=") || !strings.Contains(body, `<main class="unavailable">`) {
		t.Errorf("a follower of long ago: %d %.300s", status, body)
	}
	if text := text(); !strings.Contains(text, `"msg":"could not ask WeChat who follows; the last answer holds for a day"`) ||
		!strings.Contains(text, `"errcode":48001`) || !strings.Contains(text, `"fix":"Only a verified service account`) || strings.Contains(text, o.sim.OpenID("ming", simApp)) {
		t.Errorf("the log:\n%s", text)
	}
}

// Attack: an unfollow reaches another gateway, and the visitor stays inside on
// this one.
func TestAttackUnfollowedOnAnyGateway(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{})
	o := openClub(t, redisConfig(server))
	ming := o.caller("ming")
	ming.wants("a follower", "in")
	other := otherGateway(t, server)
	tell := func(follow ledger.Follow) {
		t.Helper()
		nextSecond()
		if _, err := other.Follow(t.Context(), ledger.Following{
			AppID: simApp, OpenID: o.sim.OpenID("ming", simApp), Follow: follow, Pushed: time.Now(),
		}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		tell(ledger.FollowsNot)
		waitFor(t, func() bool { return ming.enters() == "page" })
		tell(ledger.Follows)
		waitFor(t, func() bool { return ming.enters() == "in" })
	}
	if n := o.sim.CountCalls(wechattest.AtFollower); n != 1 {
		t.Errorf("WeChat was asked %d times", n)
	}
}

// Attack: a push that WeChat did not sign makes a follower, or keeps one out.
func TestAttackForgedFollow(t *testing.T) {
	o := openClub(t, local(t))
	ming, hong := o.caller("ming"), o.caller("hong")
	ming.wants("a follower", "in")
	hong.wants("who does not follow", "page")
	body := func(event, person string) string {
		return fmt.Sprintf("<xml><MsgType>event</MsgType><Event>%s</Event><FromUserName>%s</FromUserName><CreateTime>%d</CreateTime></xml>",
			event, o.sim.OpenID(person, simApp), time.Now().Unix())
	}
	for _, query := range []string{"", "?signature=0&timestamp=0&nonce=0", fmt.Sprintf("?signature=%040d&timestamp=%d&nonce=1", 0, time.Now().Unix())} {
		for event, person := range map[string]string{"subscribe": "hong", "unsubscribe": "ming"} {
			response, err := http.Post(o.site+"/_wechat/push/main"+query, "text/xml", strings.NewReader(body(event, person)))
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusForbidden {
				t.Errorf("%s: answered %d", query, response.StatusCode)
			}
		}
	}
	for _, quirk := range []func(*wechattest.Quirks){
		func(q *wechattest.Quirks) { q.PushBadSignature.On = true }, func(q *wechattest.Quirks) { q.PushWrongAppID.On = true },
	} {
		var q wechattest.Quirks
		quirk(&q)
		if err := o.sim.SetQuirks(q); err != nil {
			t.Fatal(err)
		}
		if p, err := o.sim.Push(simApp, wechattest.Member{Name: "MsgType", Value: "event"}, wechattest.Member{Name: "Event", Value: "subscribe"},
			wechattest.Member{Name: "FromUserName", Value: o.sim.OpenID("hong", simApp)}); err != nil || p.Accepted {
			t.Errorf("%+v, %v", p, err)
		}
	}
	ming.wants("a follower", "in")
	hong.wants("who does not follow", "page")
}

// A person who is erased leaves no trace of whether they followed.
func TestErasedFollower(t *testing.T) {
	o := openClub(t, local(t))
	ming := o.caller("ming")
	user := ming.signIn()
	if text := o.must("GET", "/wechat/persons/"+user, "", http.StatusOK); !strings.Contains(text, `"follow": "yes"`) {
		t.Errorf("the export does not say it: %s", text)
	}
	o.must("DELETE", "/wechat/persons/"+user, "", http.StatusNoContent)
	nextSecond()
	o.pushes(o.sim.PushUnsubscribe, "ming")
	if text := o.must("GET", "/wechat/ledger", "", http.StatusOK); strings.Contains(text, "follow") || strings.Contains(text, o.sim.OpenID("ming", simApp)) {
		t.Errorf("the ledger has %s", text)
	}
	ming.wants("who comes again", "page")
}
