package command

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// The gateway at a glance, also one that has no site.
func TestStatus(t *testing.T) {
	r := start(t)
	shown := r.do("status")
	for _, want := range []string{
		`(?m)^started\t20`, `(?m)^ready\tyes$`, `(?m)^  ledger\tok$`, `(?m)^store kind\tlocal$`,
		`(?m)^account\tdefault\tofficial_account\twx1234567890abcdef$`, `(?m)^keys\t1 key, generated, the newest 20`, `(?m)^sign-ins since\t20.*\t`,
	} {
		if !regexp.MustCompile(want).MatchString(shown) {
			t.Errorf("no %s in\n%s", want, shown)
		}
	}
	if strings.Contains(shown, "site\t") {
		t.Errorf("a site in\n%s", shown)
	}
	if out := r.do("status", "--json"); !json.Valid([]byte(out)) || !strings.Contains(out, `"sites":[]`) {
		t.Errorf("JSON: %s", out)
	}
}

// A status that is not well is shown, and the exit status says so.
func TestStatusNotReady(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"ready":false,"parts":{"store":"failed"},"persons":null,"sites":[{"origin":"","accounts":["main","mini"]}],
			"webhooks":[{"name":"crm","waiting":null,"dead":2}],"keys":null,"sign_ins":{"since":"2026-03-01T10:00:00Z","finished":{"signed_in":3,"busy":1}}}`)
	}))
	defer server.Close()
	out, _, err := wechat(t, strings.TrimPrefix(server.URL, "http://"), "status")
	if exitStatus(err) != exitUnavailable {
		t.Errorf("status %d, %v", exitStatus(err), err)
	}
	for _, want := range []string{"ready\tno\n", "  store\tfailed\n", "persons\tunknown\n", "site\tany origin\tmain mini\n", "webhook\tcrm\tunknown waiting\t2 dead\n", "keys\tunknown\n", "\tbusy 1, signed_in 3\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
