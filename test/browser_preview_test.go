package test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddy-wechat/gateway/internal/page"
)

// The examples of pages about a form, as `wechat pages preview` shows them: the
// form is drawn as in production, under the same policy, but its buttons send
// nothing, and the tab keeps nothing.
func TestBrowserSamplesOfForms(t *testing.T) {
	samples := map[string]page.Page{}
	for _, s := range page.Samples() {
		samples["/"+string(s.Page.Kind)+"/"+s.State] = s.Page
	}
	var others atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sample, ok := samples[r.URL.Path]
		if !ok || r.Method != http.MethodGet {
			others.Add(1)
			http.NotFound(w, r)
			return
		}
		sample.Write(w, r)
	}))
	t.Cleanup(server.Close)
	b := startChromium(t, map[string]string{"window-size": "1280,800"})
	for state, c := range map[string]struct {
		sees  []string
		lists bool // what was entered
		asks  string
	}{
		"form_waits":                {[]string{"内容还没有提交", "/apply?id=7", "查看填写的内容"}, true, ""},
		"files_again":               {[]string{"文件没有保留，请重新选择", "photo"}, true, "file"},
		"files_and_passwords_again": {[]string{"文件没有保留，请重新选择", "密码、卡号没有保留"}, true, "file password"},
		"other_person":              {[]string{"登录的是另一位用户"}, false, ""},
	} {
		t.Run(state, func(t *testing.T) {
			b := b.in(t)
			b.open(server.URL + "/resend/" + state)
			const shown = "!document.getElementById('kept-form').hidden && document.getElementById('kept-gone').hidden && document.getElementById('kept-leave').hidden"
			b.is("draws the form", shown)
			for _, words := range c.sees {
				b.sees(words)
			}
			for _, absent := range []string{"文件没有保留", "密码、卡号没有保留", "登录的是另一位用户"} {
				if !strings.Contains(strings.Join(c.sees, " "), absent) && b.shows(absent) {
					t.Errorf("it shows %s", absent)
				}
			}
			list := "document.getElementById('kept-list').textContent"
			b.is("lists what was entered", map[bool]string{true: list + ".includes('李雷')", false: list + " === ''"}[c.lists])
			b.is("asks again", `[...document.querySelectorAll('#kept-fields label input')].map(e => e.type).join(' ') === `+quote(c.asks))
			for _, button := range []string{"#kept-form button:not([type])", "#kept-drop"} {
				b.tap(button)
				b.rests()
				b.is("still draws the form", shown)
			}
			b.keepsNothing()
		})
	}
	if n := others.Load(); n != 0 {
		t.Errorf("the pages asked for something else %d times", n)
	}
}
