package caddymodule_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/caddymodule"
)

// refused is what a refused admin call answers.
type refused struct {
	Code    int    `json:"code"`
	Error   string `json:"error"`
	Message string `json:"message"`
	Line    *int   `json:"line"`
}

// wantRefusal checks the one form of refusals, and returns what was answered.
func wantRefusal(t *testing.T, status int, answer string, header http.Header) (r refused) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(answer))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatalf("%d %s: %v", status, answer, err)
	}
	if r.Code != status || !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(r.Error) || !strings.Contains(r.Message, " ") {
		t.Errorf("the refusal %s with status %d", answer, status)
	}
	if _, ok := caddymodule.DocumentedRefusals(t)[r.Error]; !ok {
		t.Errorf("docs/admin.md does not have the word %s", r.Error)
	}
	if header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s has the header %v", answer, header)
	}
	return r
}

// Each outcome has a word of its own, so that a program need not read the
// sentence. Caddy's log has the refusal, with the cause.
func TestAdminRefusalsHaveAWord(t *testing.T) {
	o := openOffice(t, local(t))
	for name, test := range map[string]struct {
		method, path, body, want string
		status                   int
	}{
		"query":    {"GET", "/wechat/persons?x=1", "", "invalid_query", 400},
		"body":     {"POST", "/wechat/keys/rotate", "x", "invalid_body", 400},
		"line":     {"POST", "/wechat/ledger", "x", "invalid_line", 400},
		"person":   {"GET", "/wechat/persons/x", "", "person_not_found", 404},
		"webhook":  {"GET", "/wechat/webhooks/x/dead", "", "webhook_not_found", 404},
		"call":     {"GET", "/wechat/x", "", "unknown_call", 404},
		"method":   {"PUT", "/wechat/doctor", "", "method_not_allowed", 405},
		"ready":    {"POST", "/wechat/ready", "", "method_not_allowed", 405},
		"the bare": {"GET", "/wechat/", "", "unknown_call", 404},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer, header := o.call(test.method, test.path, test.body)
			if r := wantRefusal(t, status, answer, header); status != test.status || r.Error != test.want || (r.Line != nil) != (name == "line") {
				t.Errorf("%d %s, want %d %s", status, answer, test.status, test.want)
			}
		})
	}
}

// A configuration without the gateway refuses every call, also ready and
// doctor, in the same form.
func TestAdminRefusesWithoutTheApp(t *testing.T) {
	o := openOffice(t, "")
	for _, path := range []string{"/wechat/ready", "/wechat/doctor", "/wechat/persons?id=x", "/wechat/webhooks"} {
		t.Run(path, func(t *testing.T) {
			status, answer, header := o.call("GET", path, "")
			if r := wantRefusal(t, status, answer, header); status != 503 || r.Error != "not_configured" {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
}

// Caddy's log has a refusal as it has those of Caddy's own calls.
func TestAdminLogsRefusals(t *testing.T) {
	o := openOffice(t, local(t))
	lines, _ := o.logTo("refusals.log")
	o.must("GET", "/wechat/persons/nobody", "", http.StatusNotFound)
	var found []logLine
	soon(t, "the line", func() bool {
		found = slices.DeleteFunc(lines(), func(l logLine) bool { return l.Logger != "admin.api" || l.Msg != "request error" })
		return len(found) > 0
	})
	if l := found[0]; len(found) != 1 || l.Level != "error" || l.StatusCode != 404 || l.Refusal != "person_not_found" || !strings.Contains(l.Error, "no such person") {
		t.Errorf("logged %+v", found)
	}
}
