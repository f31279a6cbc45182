package gate_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Attack: a flood of requests fills the log with warnings about one mistake, or
// about one visitor's browser. Each has a line a minute, and the next line
// counts those that were left out.
func TestAttackWarningsOfAFlood(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for _, row := range []struct {
		name, message string
		begin         func(*browser)
		ask           func(*browser) // causes one warning
	}{
		{
			"a browser without cookies", "browser does not keep the session cookie",
			func(b *browser) { b.keep = func(name string) bool { return name != "__Host-wechat" } },
			func(b *browser) { b.open("/x") },
		},
		{
			"sockets of another site", "a page of another origin asked for a WebSocket with a visitor's session, and was refused; if that page is yours, write `cors_origin` with its origin into wechat_auth",
			func(b *browser) { b.open("/").last().upstream() },
			func(b *browser) { b.handshake("/socket", "https://evil.example") },
		},
		{
			"verification files", "WeChat's verification file is not configured: write `verify_file MP_verify_AbCd1234.txt AbCd1234` into the block of the account that the domain is for",
			func(*browser) {},
			func(b *browser) { b.send(http.MethodGet, "/MP_verify_AbCd1234.txt", "") },
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
				b := w.browser("alice")
				row.begin(b)
				const requests, minutes = 300, 5
				for range requests {
					row.ask(b)
					time.Sleep(minutes * time.Minute / requests)
				}
				lines, counted, others := 0, 0, 0
				for _, text := range w.log.lines(`"level":"WARN"`) {
					var line struct {
						Msg  string
						Left int `json:"left_out"`
					}
					if err := json.Unmarshal([]byte(text), &line); err != nil {
						t.Fatal(err)
					}
					if line.Msg != row.message { // many sign-ins are too many events for webhooks, too
						others++
						continue
					}
					lines, counted = lines+1, counted+1+line.Left
				}
				if lines < minutes || lines > minutes+1 || others > minutes+1 {
					t.Errorf("%d lines and %d others in %d minutes", lines, others, minutes)
				}
				if perMinute := requests / minutes; counted < requests-perMinute || counted > requests {
					t.Errorf("the lines count %d of %d warnings", counted, requests)
				}
			})
		})
	}
}
