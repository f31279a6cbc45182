package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// logLine is a line of Caddy's log, as far as go-redis and refused admin calls
// are concerned.
type logLine struct {
	Level, Logger, Msg, Message, Error, Refusal string

	StatusCode int `json:"status_code"`
}

// logTo has the office write its log, from DEBUG on, to a file of the test.
// lines reads it.
func (o *office) logTo(name string) (lines func() []logLine, text func() string) {
	o.t.Helper()
	file := filepath.Join(o.t.TempDir(), name)
	config := o.config
	if i := strings.Index(config, `"logging":`); i >= 0 {
		j := strings.Index(config[i:], "\n")
		config = config[:i] + fmt.Sprintf(`"logging":{"logs":{"default":{"level":"DEBUG","writer":{"output":"file","filename":%q}}}},`, file) + config[i+j:]
	}
	o.load(config)
	text = func() string {
		b, err := os.ReadFile(file)
		if err != nil {
			o.t.Fatal(err)
		}
		return string(b)
	}
	return func() (all []logLine) {
		for line := range strings.Lines(text()) {
			var l logLine
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				o.t.Fatalf("%v: %s", err, line)
			}
			all = append(all, l)
		}
		return all
	}, text
}

// Attack: Redis dies under a flood of requests. What go-redis says is in the
// log of the running configuration, also after a reload; its warnings and all
// others of the gateway stay few, and none has the password.
func TestAttackGoRedisFillsTheLog(t *testing.T) {
	const password = "p4ssw0rd-of-the-gateway"
	server := redistest.Standalone(t, redistest.Options{Username: "gateway", Password: password, AppendOnly: true})
	o := openOfficeWith(t, fmt.Sprintf(`{"store":"redis","address":%q}`, server.URL()), "")
	lines, text := o.logTo("first.log")
	o.caller("ming").signIn()
	server.Kill()
	goRedis := func(lines func() []logLine, level string) (n int) {
		for _, l := range lines() {
			if l.Logger == "wechat.stores.redis" && l.Msg == "go-redis" && l.Level == level && l.Message != "" {
				n++
			}
		}
		return n
	}
	flood := func(lines func() []logLine, enough func() bool) {
		t.Helper()
		// The limit is that of the process: a test before this one may have
		// used up its warning of this minute. go-redis says nothing more when
		// its pool has failed often enough, so Redis dies once more.
		again := time.Now().Add(20 * time.Second)
		for deadline := time.Now().Add(3 * time.Minute); !enough(); {
			if time.Now().After(again) {
				server.Restart()
				o.eventuallyReady(http.StatusOK)
				server.Kill()
				again = time.Now().Add(20 * time.Second)
			}
			if time.Now().After(deadline) {
				t.Fatalf("go-redis has not said enough in three minutes: %d warnings, %d others", goRedis(lines, "warn"), goRedis(lines, "debug"))
			}
			time.Sleep(100 * time.Millisecond)
			for range 20 {
				if answer, err := http.Get(o.site + "/_wechat/session"); err == nil {
					_ = answer.Body.Close()
				}
			}
		}
	}
	flood(lines, func() bool { return goRedis(lines, "warn") > 0 && goRedis(lines, "debug") > 5 })
	if n := goRedis(lines, "warn"); n > 4 {
		t.Errorf("%d warnings of go-redis", n)
	}
	loud := 0
	for _, l := range lines() {
		if (l.Level == "warn" || l.Level == "error") && strings.Contains(l.Logger, "wechat") {
			loud++
		}
	}
	if loud > 20 {
		t.Errorf("%d warnings and errors of the gateway", loud)
	}
	first := text()
	again, second := o.logTo("second.log")
	flood(again, func() bool { return goRedis(again, "debug") > 5 })
	for name, log := range map[string]string{"first": first, "second": second()} {
		if strings.Contains(log, password) {
			t.Errorf("the %s log has the password", name)
		}
	}
	server.Restart()
}
