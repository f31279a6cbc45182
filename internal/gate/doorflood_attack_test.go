package gate_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// stuck is WeChat that gives no answer at a path. While it hangs the time of a
// bubble stands still, and nobody runs out of patience.
type stuck struct {
	asked   chan struct{} // one for each question
	release func()        // ends all of it
	ended   atomic.Int32  // how many questions are over
}

// hangs lets WeChat hang at a path for all but the shop's account. It must be
// called outside of a bubble. A test that waits in vain is released in the end.
func (c *weChat) hangs(t *testing.T, path string, most int) *stuck {
	end := make(chan struct{})
	s := &stuck{asked: make(chan struct{}, most), release: sync.OnceFunc(func() { close(end) })}
	watch := time.AfterFunc(2*time.Minute, s.release)
	t.Cleanup(func() { watch.Stop(); s.release() })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hook = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path || r.URL.Query().Get("appid") == shopApp {
			c.Server.ServeHTTP(w, r)
			return
		}
		s.asked <- struct{}{}
		select {
		case <-end:
		case <-r.Context().Done():
		}
		s.ended.Add(1)
	}
	return s
}

// Attack: invented codes at one door, while WeChat is slow there. Browsers of
// the same address, and clients of other doors, sign in before any of them is
// answered.
func TestAttackInventedCodesDoNotStarveBrowsers(t *testing.T) {
	t.Parallel()
	for _, flood := range []struct {
		login, path string
		n           int
	}{{miniLogin, sessionPath, 200}, {miniLogin, sessionPath, 520}, {mobileLogin, exchangePath, 520}} {
		t.Run(fmt.Sprint(flood.n, " at ", flood.login), func(t *testing.T) {
			t.Parallel()
			c := newWeChat(t)
			hung, good := c.hangs(t, flood.path, flood.n), code{c.MiniProgramCode("carol", miniApp)}
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, doors, func(w *town) { w.inside = true })
				var all sync.WaitGroup
				for i := range flood.n {
					client := w.client("alice")
					all.Go(func() {
						client.ask(http.MethodPost, flood.login, code{fmt.Sprint("invented-code-0123456789-", i)})
					})
				}
				for range 64 {
					<-hung.asked // all places of this door are taken
				}
				w.browser("bob").consents("/page").last().upstream()
				w.browser("bob").open("/page").last().upstream()
				if flood.login == mobileLogin {
					if got := w.client("carol").ask(http.MethodPost, miniLogin, good); got.status != http.StatusOK {
						t.Errorf("at the other door: %d %s", got.status, got.body)
					}
				}
				if n := hung.ended.Load(); n != 0 {
					t.Errorf("they had to wait for %d of the invented codes", n)
				}
				hung.release()
				all.Wait()
				w.hub.WeChat.CloseIdle()
			})
		})
	}
}

// Attack: the same bad code again and again uses up the calls of the account.
// What WeChat said of it is remembered for some seconds.
func TestAttackRepeatedBadCodeAsksWeChatOnce(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, doors, func(w *town) { w.inside = true })
		const bad = "invented-code-0123456789"
		ask := func(text string) answered { return w.client("alice").ask(http.MethodPost, miniLogin, code{text}) }
		for range 50 {
			ask(bad).refused(t, 400, "code_invalid")
		}
		if n := c.CountCalls(sessionPath); n != 1 {
			t.Errorf("WeChat was asked %d times", n)
		}
		ask(bad+"-another").refused(t, 400, "code_invalid")
		// Neither the other account, nor the other site, is spoken for.
		w.client("alice").ask(http.MethodPost, mobileLogin, code{bad}).refused(t, 400, "code_invalid")
		if n, m := c.CountCalls(sessionPath), c.CountCalls(exchangePath); n != 2 || m != 1 {
			t.Errorf("WeChat was asked %d and %d times", n, m)
		}
		time.Sleep(10 * time.Second)
		ask(bad).refused(t, 400, "code_invalid")
		if n := c.CountCalls(sessionPath); n != 3 {
			t.Errorf("WeChat was asked %d times", n)
		}
	})
}

// Only a refusal is remembered: what WeChat could not answer is asked again.
func TestOutagesOfWeChatAreNotRemembered(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"busy": `{"errcode":-1,"errmsg":"system error"}`, "quota": `{"errcode":45011,"errmsg":"too frequent"}`,
		"secret": `{"errcode":40125,"errmsg":"invalid appsecret"}`, "HTML": `<html>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, doors)
			once := code{w.weChat.MiniProgramCode("alice", miniApp)}
			w.weChat.answer(answer)
			if got := w.client("alice").ask(http.MethodPost, miniLogin, once); got.status < 429 {
				t.Errorf("%d %s", got.status, got.body)
			}
			w.weChat.answer("")
			if got := w.client("alice").ask(http.MethodPost, miniLogin, once); got.status != http.StatusOK {
				t.Errorf("afterwards: %d %s", got.status, got.body)
			}
		})
	}
}

// A browser whose code was refused starts anew and arrives with another code,
// also where the refused one comes twice.
func TestRefusedCodesOfBrowsersStartAnew(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	callback := b.until("/page")
	w.weChat.answer(`{"errcode":40029,"errmsg":"invalid code"}`)
	first, second := b.send(http.MethodGet, callback, ""), b.send(http.MethodGet, callback, "")
	w.weChat.answer("")
	for _, h := range []hop{first, second} {
		if !strings.HasPrefix(h.location(), "https://open.weixin.qq.com/") {
			t.Fatalf("%d %s %q", h.status, h.location(), h.kind())
		}
	}
	if got := b.open(second.location()).last().upstream(); got.URI != "/page" {
		t.Errorf("arrived at %s", got.URI)
	}
}

// Attack: a flood makes a line of the log for each request that is sent away.
func TestAttackCrowdsMakeOneLineOfTheLog(t *testing.T) {
	t.Parallel()
	const n = 64 + 1024 + 300
	c := newWeChat(t)
	hung := c.hangs(t, sessionPath, n)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, doors, func(w *town) { w.inside = true })
		answers := make(chan answered, n)
		var all sync.WaitGroup
		for i := range n {
			client := w.client("alice")
			all.Go(func() {
				answers <- client.ask(http.MethodPost, miniLogin, code{fmt.Sprint("invented-code-0123456789-", i)})
			})
		}
		for range 300 {
			got := <-answers // at once: no other can be answered
			if got.refused(t, 503, "unavailable"); got.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
		if lines := w.log.lines("too many sign-ins at once"); len(loud(lines)) != 1 || len(lines) < 300 {
			t.Errorf("%d lines, %d of them loud", len(lines), len(loud(lines)))
		}
		hung.release()
		all.Wait()
	})
}

// loud are the lines that an operator sees.
func loud(lines []string) (all []string) {
	for _, line := range lines {
		if !strings.Contains(line, `"level":"DEBUG"`) {
			all = append(all, line)
		}
	}
	return all
}
