package test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Attack: who reads a log learns who the visitors are. Caddy's reverse_proxy
// logs the request that it forwards, with what the gateway has told the app,
// and the access log has what GET check answered. With the filter of
// Caddyfile.example no log has it.
func TestAttackIdentityInLogs(t *testing.T) {
	w := newWorld(t)
	siteLog := filepath.Join(w.folder, "site.log")
	const userID = "# user_id delete"
	filter := w.exampleLogFilter()
	if !strings.Contains(filter, userID) {
		t.Fatal("the filter does not say how to leave the openid out of the access log")
	}
	filter = strings.Replace(filter, userID, "user_id delete", 1)
	w.load(strings.Replace(w.caddyfile(options{
		auth:   "check on\n\t\tassertion",
		before: "log {\n\t\toutput file " + siteLog + "\n\t\t" + filter + "\n\t}",
	}), "level DEBUG", "level DEBUG\n"+filter, 1))
	v := w.visitor("ming")
	v.signIn(w.site + "/page")
	told := identity(t, w.app.one(t))
	if a := v.send(http.MethodGet, w.site+"/_wechat/check", "", nil); a.Header.Get("X-Wechat-Openid") != told["x-wechat-openid"] {
		t.Fatalf("check: %s", a.Status)
	}
	w.app.Close()
	if a := v.send(http.MethodGet, w.site+"/page", "", nil); a.StatusCode != http.StatusBadGateway {
		t.Fatalf("without the app: %s", a.Status)
	}
	w.stop()
	own, err := os.ReadFile(siteLog)
	if err != nil {
		t.Fatal(err)
	}
	log := w.log() + string(own)
	for _, line := range []string{"upstream roundtrip", "connection refused", "/_wechat/check", "handled request"} {
		if !strings.Contains(log, line) {
			t.Errorf("the log is not what it should be: no %s", line)
		}
	}
	for _, name := range []string{"x-wechat-user", "x-wechat-openid", "x-wechat-unionid", "x-wechat-nickname", "x-wechat-avatar", "x-wechat-assertion"} {
		if told[name] == "" || strings.Contains(log, told[name]) {
			t.Errorf("the log has %s: %q", name, told[name])
		}
	}
	// An assertion that was signed later, perhaps: its first part is the same.
	if header, _, _ := strings.Cut(told["x-wechat-assertion"], "."); strings.Contains(log, header) {
		t.Error("the log has an assertion")
	}
}
