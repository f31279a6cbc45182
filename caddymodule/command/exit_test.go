package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// A script reads from the status what happened. cmd/wechat-gateway tests that
// the process exits with it.
func TestExitStatus(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"code":%d,"error":"a_word","message":"a sentence"}`, status)
	}))
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	for answer, want := range map[int]int{
		400: exitRefused, 403: exitRefused, 404: exitNotFound, 405: exitRefused, 409: exitRefused, 413: exitRefused,
		500: exitError, 501: exitRefused, 502: exitError, 503: exitUnavailable,
	} {
		t.Run(http.StatusText(answer), func(t *testing.T) {
			status = answer
			for _, args := range [][]string{{"persons", "export", "p"}, {"ledger", "export"}, {"ledger", "import", file(t, header)}} {
				if _, _, err := wechat(t, address, args...); exitStatus(err) != want || !strings.Contains(err.Error(), "a sentence") {
					t.Errorf("%v: status %d, want %d; %v", args, exitStatus(err), want, err)
				}
			}
		})
	}
	for name, test := range map[string]struct {
		address string
		want    int
		args    []string
	}{
		"no server":     {"127.0.0.1:1", exitUnavailable, []string{"persons", "show", "p"}},
		"no socket":     {"unix/" + filepath.Join(t.TempDir(), "s"), exitUnavailable, []string{"webhooks", "list"}},
		"not confirmed": {address, exitRefused, []string{"persons", "erase", "p"}},
		"wrong use":     {address, exitError, []string{"persons", "show"}},
		"no file":       {address, exitError, []string{"ledger", "import", "/not/there"}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := wechat(t, test.address, test.args...); exitStatus(err) != test.want {
				t.Errorf("status %d, want %d; %v", exitStatus(err), test.want, err)
			}
		})
	}
	if withStatus(nil) != nil {
		t.Error("a success has a status")
	}
}

// With --json, standard output has what the call answered and nothing else,
// also if it was refused.
func TestJSON(t *testing.T) {
	r := start(t)
	r.do("ledger", "import", file(t, header, line(0), line(1)))
	lines := filepath.Join(t.TempDir(), "out.jsonl")
	for _, c := range []struct {
		args, want string
		status     int
	}{
		{"persons find --openid oaaab", `[{"id":"` + personID(1) + `",`, 0},
		{"persons find --unionid nobody", `[]`, exitNotFound},
		{"persons show " + personID(1), "{\n  \"id\": \"" + personID(1), 0},
		{"persons show nobody", `{"code":404,"error":"person_not_found","message":"there is no such person"}`, exitNotFound},
		{"persons export " + personID(1), "{\n  \"id\": \"" + personID(1), 0},
		{"sessions list " + personID(1), `[]`, 0},
		{"sessions end --session x", `{"code":400,"error":"invalid_id",`, exitRefused},
		{"sessions end " + personID(1), `{"ended":null}`, 0},
		{"webhooks list", `[]`, 0},
		{"webhooks show crm", `{"code":404,"error":"webhook_not_found",`, exitNotFound},
		{"webhooks show crm x", `{"code":404,"error":"webhook_not_found",`, exitNotFound},
		{"webhooks test crm", `{"code":404,"error":"webhook_not_found",`, exitNotFound},
		{"webhooks purge crm --all", ``, exitRefused},
		{"webhooks purge crm --all --yes", `{"code":404,"error":"webhook_not_found",`, exitNotFound},
		{"webhooks dead crm", `{"code":404,"error":"webhook_not_found",`, exitNotFound},
		{"keys rotate", `{"key":"`, 0},
		{"ledger export", header, 0},
		{"ledger export --file " + lines, `{"lines":3,"file":"` + lines + `"}`, 0}, // two persons, and the end of the one's sessions
		{"ledger import " + lines, `{"persons":2,"ended":1}`, 0},
		{"ledger import " + file(t, "x"), `{"code":400,"error":"invalid_line","line":1,`, exitRefused},
		{"persons erase " + personID(0), ``, exitRefused},
		{"persons erase --yes " + personID(0), ``, 0},
		{"sessions end --everyone", ``, exitRefused},
		{"sessions end --everyone --yes", `{"ended":null}`, 0},
	} {
		t.Run(c.args, func(t *testing.T) {
			out, errOut, err := wechat(t, r.address, append(strings.Fields(c.args), "--json")...)
			if !strings.HasPrefix(out, c.want) || (out == "") != (c.want == "") || errOut != "" {
				t.Errorf("printed %q %q, want %q", out, errOut, c.want)
			}
			if out != "" && !strings.HasPrefix(out, header) && !json.Valid([]byte(out)) {
				t.Errorf("%q is not JSON", out)
			}
			if got := exitStatus(err); err == nil && c.status != 0 || err != nil && got != c.status {
				t.Errorf("status %d, want %d; %v", got, c.status, err)
			}
		})
	}
}

// A server of before, and Caddy itself, refuse with a sentence alone.
func TestRefusalsOfOthers(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"error":"host not allowed: evil"}`: "host not allowed: evil",
		`{"line":3,"error":"a bad line"}`:    "a bad line",
		`404 page not found`:                 "the server answered 404 Not Found; is the gateway built into it?",
		`{}`:                                 "the server answered 404 Not Found; is the gateway built into it?",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusNotFound)
				fmt.Fprint(w, answer)
			}))
			defer server.Close()
			_, _, err := wechat(t, strings.TrimPrefix(server.URL, "http://"), "persons", "show", "p")
			var r *refusal
			if !errors.As(err, &r) || r.Error() != want {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
}
