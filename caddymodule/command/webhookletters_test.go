package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// An operator looks at a webhook and at a letter, tries the webhook, and
// removes dead letters.
func TestWebhookLetters(t *testing.T) {
	var status atomic.Int64
	status.Store(http.StatusInternalServerError)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	t.Cleanup(receiver.Close)
	t.Setenv("HOOK_SECRET", strings.Repeat("k", 32))
	r := startWith(t, fmt.Sprintf(`"webhooks":[{"name":"crm","url":%q,"secrets":["{env.HOOK_SECRET}"]}],`, receiver.URL))
	shows := func(out string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !regexp.MustCompile(w).MatchString(out) {
				t.Errorf("no %s in\n%s", w, out)
			}
		}
	}
	empty := r.do("webhooks", "show", "crm")
	shows(empty, `webhook\s+crm`, `host\s+127\.0\.0\.1:\d+`, `waiting\s+0`, `dead letters\s+0`)
	if strings.Contains(empty, "LETTER") || strings.Contains(empty, "oldest") {
		t.Errorf("nothing waits:\n%s", empty)
	}
	r.fails("did not accept the test event: answered 500", "webhooks", "test", "crm")
	r.do("ledger", "import", file(t, header, line(0)))
	r.do("sessions", "end", personID(0))
	r.waits("webhooks", "list")("crm", "1", "0")
	var out string
	for !regexp.MustCompile(`logged_out.*\s1\s`).MatchString(out) {
		out = r.do("webhooks", "show", "crm")
	}
	shows(out, `waiting\s+1`, `oldest\s+20\d\d.*ago`, `next try\s+20`, `last error\s+answered 500`, personID(0))
	id := regexp.MustCompile(`(?m)^([a-z2-7]{26})\s+logged_out`).FindStringSubmatch(out)[1]
	shows(r.do("webhooks", "show", "crm", id), `letter\s+`+id, `attempts\s+\d`, `last error\s+answered 500`, `"reason": "admin"`, `"user": "`+personID(0)+`"`)
	r.fails("no such dead letter", "webhooks", "purge", "crm", id, "--yes")
	status.Store(http.StatusGone)
	r.waits("webhooks", "list")("crm", "0", "1")
	shows(r.do("webhooks", "show", "crm", id), `dead letter since\s+20`, `last error\s+answered 410`)
	if out := r.do("webhooks", "purge", "crm", id, "--yes"); out != "Removed: 1.\n" {
		t.Errorf("printed %q", out)
	}
	r.fails("no such event", "webhooks", "show", "crm", id)
	if out := r.do("webhooks", "purge", "crm", "--all", "--yes"); out != "Removed: 0.\n" {
		t.Errorf("printed %q", out)
	}
	status.Store(http.StatusNoContent)
	shows(r.do("webhooks", "test", "crm"), `^The receiver answered 204 after \d+ ms\.\n$`)
	for _, args := range [][]string{{"webhooks", "show", "other"}, {"webhooks", "test", "other"}, {"webhooks", "purge", "other", "--all", "--yes"}} {
		r.fails("no webhook of this name", args...)
	}
}
