package gate_test

import (
	"net/http"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// Every way in survives a moment in which WeChat is busy, and gives up after
// three requests; the code is good afterwards.
func TestBusyWaysIn(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		at, path string
		ask      func(w *town) func() answered
	}{
		"mini program": {wechattest.AtSession, sessionPath, func(w *town) func() answered {
			once := code{w.weChat.MiniProgramCode("alice", miniApp)}
			return func() answered { return w.client("alice").ask(http.MethodPost, miniLogin, once) }
		}},
		"mobile app": {wechattest.AtToken, exchangePath, func(w *town) func() answered {
			once := code{w.weChat.IssueCode("alice", mobileApp, userinfo)}
			return func() answered { return w.client("alice").ask(http.MethodPost, mobileLogin, once) }
		}},
		"phone button": {wechattest.AtPhone, "/wxa/business/getuserphonenumber", func(w *town) func() answered {
			c := w.mini("alice")
			once := code{w.weChat.PhoneCode("alice", miniApp)}
			return func() answered { return c.ask(http.MethodPost, miniPhone, once) }
		}},
	} {
		for _, busy := range []struct {
			name   string
			next   int // 0: always
			status int
		}{{"twice", 2, http.StatusOK}, {"always", 0, http.StatusServiceUnavailable}} {
			t.Run(name+"/"+busy.name, func(t *testing.T) {
				t.Parallel()
				w := newTown(t, doors)
				ask := row.ask(w)
				before := w.weChat.CountCalls(row.path)
				if err := w.weChat.SetQuirks(wechattest.Quirks{Busy: wechattest.Knob{On: true, Endpoint: row.at, Next: busy.next}}); err != nil {
					t.Fatal(err)
				}
				if got := ask(); got.status != busy.status {
					t.Errorf("%d %s, want %d", got.status, got.body, busy.status)
				}
				if n := w.weChat.CountCalls(row.path) - before; n != 3 {
					t.Errorf("WeChat was asked %d times, want 3", n)
				}
				if err := w.weChat.SetQuirks(wechattest.Quirks{}); err != nil {
					t.Fatal(err)
				}
				if got := ask(); got.status != http.StatusOK {
					t.Errorf("afterwards %d %s, want 200", got.status, got.body)
				}
			})
		}
	}
}
