package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// A visitor whose first page of the day may be kept by caches is renewed by the
// next answer that may not, in both stores.
func TestRenewalWaitsForAPrivateAnswer(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]func(*town){"local": func(*town) {}, "redis": inRedis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newWeChat(t)
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, func(w *town) { w.inside = true }, store, scope(wechat.ScopeBase))
				w.upstream = func(rw http.ResponseWriter, r *http.Request) {
					control := "private"
					if r.URL.Path == "/cached" {
						control = "max-age=600"
					}
					rw.Header().Set("Cache-Control", control)
					echo(rw, r)
				}
				b := w.browser("alice")
				b.open("/page").last().upstream()
				w.hub.WeChat.CloseIdle()
				time.Sleep(2 * 24 * time.Hour)
				for _, step := range []struct {
					address string
					want    bool
				}{{"/cached", false}, {"/page", true}, {"/page", false}} {
					h := b.script(http.MethodGet, step.address)
					if got := strings.Contains(strings.Join(h.header["Set-Cookie"], ";"), "__Host-wechat="); got != step.want {
						t.Errorf("%s: renewed %t, want %t", step.address, got, step.want)
					}
				}
			})
		})
	}
}
