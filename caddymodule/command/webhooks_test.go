package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestWebhooksWhereThereAreNone(t *testing.T) {
	r := start(t)
	if out := r.do("webhooks", "list"); out != "No webhook is configured.\n" {
		t.Errorf("printed %q", out)
	}
	r.fails("no webhook of this name", "webhooks", "dead", "crm")
	r.fails("no webhook of this name", "webhooks", "redeliver", "crm", "--all")
}

func TestWebhooks(t *testing.T) {
	var status, heard atomic.Int64
	status.Store(http.StatusGone)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		heard.Add(1)
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(receiver.Close)
	t.Setenv("HOOK_SECRET", strings.Repeat("k", 32))
	r := startWith(t, fmt.Sprintf(`"webhooks":[{"name":"crm","url":%q,"secrets":["{env.HOOK_SECRET}"]}],`, receiver.URL))
	r.do("ledger", "import", file(t, header, line(0)))
	r.do("sessions", "end", personID(0))
	r.waits("webhooks", "list")("crm", "0", "1")
	letters := r.do("webhooks", "dead", "crm")
	fields := strings.Fields(strings.Split(letters, "\n")[1])
	if len(fields) < 4 || fields[1] != "logged_out" || fields[2] != personID(0) || !strings.Contains(letters, "410") {
		t.Fatalf("printed %s", letters)
	}
	if out := r.do("webhooks", "dead", "crm", "--after", fields[0]); out != "There are no dead letters.\n" {
		t.Errorf("behind the last one: %q", out)
	}
	r.fails("no such dead letter", "webhooks", "redeliver", "crm", "nobody")
	r.fails("either a letter or --all", "webhooks", "redeliver", "crm")
	r.fails("either a letter or --all", "webhooks", "redeliver", "crm", fields[0], "--all")
	status.Store(http.StatusOK)
	if out := r.do("webhooks", "redeliver", "crm", fields[0]); out != "Waiting to be sent again: 1.\n" {
		t.Errorf("printed %q", out)
	}
	r.waits("webhooks", "list")("crm", "0", "0")
	if n := heard.Load(); n != 2 {
		t.Errorf("the receiver heard %d times", n)
	}
}

// waits runs a command until its second line has these fields.
func (r *running) waits(args ...string) func(want ...string) {
	return func(want ...string) {
		r.t.Helper()
		var out string
		for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			out = r.do(args...)
			if lines := strings.Split(out, "\n"); len(lines) > 1 && strings.Join(strings.Fields(lines[1]), " ") == strings.Join(want, " ") {
				return
			}
		}
		r.t.Fatalf("%v never printed %v, but:\n%s", args, want, out)
	}
}
