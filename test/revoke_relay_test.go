package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// A bot that had WeChat's server URL before answers through us, in every mode,
// and neither it nor WeChat can tell that we are there.
func TestMessageBotBehindTheRelay(t *testing.T) {
	for _, mode := range []struct {
		name    string
		mode    wechattest.PushMode
		account string
	}{
		{"plain", wechattest.PushPlain, "push_token " + pushToken},
		{"compatible", wechattest.PushCompat, pushAccount},
		{"safe", wechattest.PushSafe, pushAccount},
	} {
		t.Run(mode.name, func(t *testing.T) {
			w := newWorld(t)
			b := newBot(t)
			w.load(w.caddyfile(options{account: mode.account + "\n\t\t\tpush_relay " + b.URL + "/weixin?shop=7"}))
			pushesTo(t, w.wechat, w.site+"/_wechat/push/default", mode.mode)
			const text = "你好 <b>&amp; \"世界\""
			pushed := w.saysText(t, text)
			if !strings.Contains(pushed, "您说:"+text+" 🌸") || !strings.Contains(pushed, w.wechat.OpenID("ming", appID)) {
				t.Errorf("the person reads %q", pushed)
			}
			got := b.take()
			if len(got) != 1 || !got[0].signed || !strings.HasPrefix(got[0].query, "shop=7&signature=") || got[0].contentType != "text/xml" {
				t.Fatalf("the bot got %+v", got)
			}
			if encrypted := strings.Contains(got[0].body, "<Encrypt>"); encrypted != (mode.mode != wechattest.PushPlain) {
				t.Errorf("encrypted: %v: %s", encrypted, got[0].body)
			}
			// Byte for byte what the same bot would have answered WeChat
			// itself.
			pushesTo(t, w.wechat, b.URL+"/weixin?shop=7", mode.mode)
			if direct := w.saysText(t, text); direct != pushed {
				t.Errorf("through us: %q\nwithout us: %q", pushed, direct)
			}
			if direct := b.take(); mode.mode == wechattest.PushPlain && withoutNumbers(direct[0].body) != withoutNumbers(got[0].body) {
				t.Errorf("the bot got through us: %q\nwithout us: %q", got[0].body, direct[0].body)
			}
		})
	}
}

// saysText has ming write to the account, and returns what ming reads.
func (w *world) saysText(t *testing.T, text string) string {
	t.Helper()
	reply, err := w.wechat.PushText("ming", appID, text)
	if err != nil {
		t.Fatal(err)
	}
	all := w.wechat.Pushes()
	if last := all[len(all)-1]; !last.Accepted || len(last.Attempts) != 1 {
		t.Errorf("WeChat needed %d attempts: %+v", len(last.Attempts), last)
	}
	return reply
}

// withoutNumbers takes out what differs between two messages: times and ids.
func withoutNumbers(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, s)
}

// What is ours stays with us, unless the relay is to have everything; an
// unfollow is the bot's business, too.
func TestWhatTheRelayHears(t *testing.T) {
	for _, all := range []bool{false, true} {
		w := newWorld(t)
		b := newBot(t)
		account := pushAccount + "\n\t\t\tpush_relay " + b.URL
		if all {
			account += "\n\t\t\tpush_relay_all"
		}
		w.load(w.caddyfile(options{account: account}))
		pushesTo(t, w.wechat, w.site+"/_wechat/push/default", wechattest.PushSafe)
		w.visitor("ming").signIn(w.site + "/")
		for event, push := range map[string]func(string, string) (wechattest.Pushed, error){
			"unsubscribe":               w.wechat.PushUnsubscribe,
			"subscribe":                 w.wechat.PushSubscribe,
			"user_authorization_revoke": func(p, a string) (wechattest.Pushed, error) { return w.wechat.PushRevoke(p, a) },
			"user_info_modified":        w.wechat.PushProfileModified,
		} {
			if pushed, err := push("ming", appID); err != nil || !pushed.Accepted || pushed.Attempts[0].Answer != "success" {
				t.Errorf("%s: %+v %v", event, pushed, err)
			}
			want := 0
			if all || strings.HasSuffix(event, "subscribe") {
				want = 1
			}
			if got := b.take(); len(got) != want || want == 1 && (!got[0].signed || !strings.Contains(got[0].clear, event)) {
				t.Errorf("all: %v, %s: the bot got %+v", all, event, got)
			}
		}
		w.stop()
	}
}

// A bot that is dead, slow, out of order or sends us elsewhere costs WeChat
// nothing: it gets its success in time, and never tries again.
func TestDeadAndSlowRelays(t *testing.T) {
	w := newWorld(t)
	b := newBot(t)
	elsewhere := newBot(t)
	odd := http.NewServeMux()
	odd.HandleFunc("/broken", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) })
	odd.HandleFunc("/away", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	w.app.answer(odd.ServeHTTP)
	for _, relay := range []struct {
		name, address string
		pace          time.Duration
	}{
		{"dead", "http://127.0.0.1:" + freePort(t), 0},
		{"broken", w.app.URL + "/broken", 0},
		{"sends us elsewhere", w.app.URL + "/away", 0},
		{"slow", b.URL, 6 * time.Second},
	} {
		w.load(w.caddyfile(options{account: pushAccount + "\n\t\t\tpush_relay " + relay.address}))
		time.Sleep(300 * time.Millisecond) // the old listener closes a moment later, and resets who waits in its queue
		pushesTo(t, w.wechat, w.site+"/_wechat/push/default", wechattest.PushSafe)
		b.setPace(relay.pace)
		if reply := w.saysText(t, "在吗"); reply != "" {
			t.Errorf("%s: the person reads %q", relay.name, reply)
		}
		all := w.wechat.Pushes()
		last := all[len(all)-1].Attempts[0]
		t.Logf("a relay that is %s: %q after %v", relay.name, last.Answer, last.Duration.Round(time.Millisecond))
		if last.Answer != "success" || last.Duration > 5*time.Second {
			t.Errorf("a relay that is %s: %+v", relay.name, last)
		}
	}
	if got := elsewhere.take(); len(got) != 0 {
		t.Errorf("a push went elsewhere: %+v", got)
	}
}
