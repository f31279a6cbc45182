package test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// An operator finds all lines of one sign-in, with an error on its way, by one
// field, in Caddy's log and in the audit log.
func TestFlowFindsAllLinesOfASignIn(t *testing.T) {
	w := newWorld(t)
	file := w.folder + "/audit.log"
	w.load(strings.Replace(w.caddyfile(options{auth: "scope snsapi_base", server: auditTo(file)}),
		"level DEBUG", "level DEBUG\n\t\texclude http.handlers.wechat_auth.audit", 1))
	w.quirks(wechattest.Quirks{
		WrongErrcode: wechattest.Number{Value: 40163, Endpoint: wechattest.AtToken, Next: 1},
	})
	w.visitor("ming").signIn(w.site + "/orders")
	w.visitor("hong").signIn(w.site + "/") // another one, which must not be among them
	audit, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(audit), "\n")
	var line struct{ Flow string }
	if err := json.Unmarshal([]byte(first), &line); err != nil || len(line.Flow) != 8 {
		t.Fatalf("%v: the first audit line has no flow: %s", err, first)
	}
	var got []string
	for text := range strings.Lines(w.log() + string(audit)) {
		if !strings.Contains(text, `"flow":"`+line.Flow+`"`) {
			continue
		}
		var l struct{ Logger, Msg string }
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if l.Logger != "events" { // Caddy's own line about the event, at DEBUG
			got = append(got, l.Msg)
		}
	}
	if want := []string{"sign-in started", "code not accepted", "sign-in restarted", "sign-in started", "signed in", "sign_in"}; !slices.Equal(got, want) {
		t.Errorf("flow %s finds %q, want %q", line.Flow, got, want)
	}
}
