//go:build linux

package command

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Attack: an answer has control sequences of the terminal, in texts or in the
// bytes themselves, on the way to the operator's screen.
func TestAttackControlSequences(t *testing.T) {
	const evil = "a\x1b]0;title\x07\x1b[2J\u009b31m\u202e\u2028\x7f\U000e0001b"
	quoted, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	raw := `"a\u001b[2J` + "\u009b31m\u202e\x7f\U000e0001" + `"`
	for _, text := range []string{string(quoted), raw} {
		for _, c := range []struct {
			status  int
			answer  string
			command string
		}{
			{404, `{"code":404,"error":%[1]s,"message":%[1]s}`, "persons count"},
			{404, `{"code":404,"error":%[1]s}`, "persons count --json"},
			{500, `no JSON %[1]s`, "persons show a"},
			{200, `{"a":%[1]s}`, "persons export a"},
			{200, `{"nickname":%[1]s,"id":%[1]s,"accounts":[{"openid":%[1]s}]}`, "persons show a"},
			{200, `[{"id":%[1]s,"app_ids":[%[1]s]}]`, "persons find --openid a"},
			{200, `{"persons":[{"id":%[1]s}],"next":%[1]s}`, "persons list"},
			{200, `{"persons":[{"id":%[1]s}],"next":%[1]s}`, "persons list --json"},
			{200, `{"bans":[{"person":%[1]s}]}`, "persons bans"},
			{200, `{"key":%[1]s,"seals":"2026-03-01T00:00:00Z"}`, "keys rotate"},
			{200, `{"keys":[{"id":%[1]s,"state":%[1]s}]}`, "keys show"},
			{200, `[{"id":%[1]s,"site":%[1]s,"scope":%[1]s}]`, "sessions list a"},
			{200, `[{"id":%[1]s,"reason":%[1]s}]`, "webhooks dead crm"},
			{200, `[{"name":%[1]s}]`, "webhooks list"},
			{200, `{"id":%[1]s,"last_error":%[1]s,"body":{"nickname":%[1]s}}`, "webhooks show crm a"},
			{200, `{"name":%[1]s,"host":%[1]s,"events":[{"last_error":%[1]s}]}`, "webhooks show crm"},
			{502, `{"code":502,"error":"webhook_failed","message":%[1]s}`, "webhooks test crm"},
			{200, `{"version":%[1]s,"ready":true,"sites":[{"origin":%[1]s}],"parts":{%[1]s:%[1]s}}`, "status"},
			{200, `{"format":"wechat-ledger","a":%[1]s}` + "\n", "ledger export"},
			{200, `{"problems":[{"problem":"x","detail":%[1]s}]}`, "ledger verify"},
			{200, `{"persons":0,"waits_for":%[1]s}`, "ledger prune --inactive 2y"},
			{200, `{"parts":{"store":{"state":"failed","error":%[1]s}}}`, "health"},
			{503, `{"error":%[1]s,"message":%[1]s}`, "health"},
		} {
			t.Run(c.command, func(t *testing.T) {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(c.status)
					fmt.Fprintf(w, c.answer, text)
				}))
				defer server.Close()
				screen, err := onTerminal(t, strings.TrimPrefix(server.URL, "http://"), "", strings.Fields(c.command)...)
				if err != nil {
					screen += err.Error()
				}
				screen = strings.NewReplacer("\r\x1b[K", "", "\r", "").Replace(screen) // our own, of the progress
				if i := strings.IndexFunc(screen, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
					t.Errorf("the screen has %q", screen)
				}
			})
		}
	}
}

// JSON on a terminal means what the server answered, in whatever pieces it is
// written.
func TestEscapedJSON(t *testing.T) {
	want := map[string]string{"a": "小明\u200d\U0001f468\U000e0001\x7f\u009b", "b": "\t\n"}
	answer, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 2, 3, 5, len(answer)} {
		tty, operator := terminal(t)
		w := &terminalWriter{file: tty}
		for piece := range slices.Chunk(answer, size) {
			if n, err := w.Write(piece); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		if _, err := tty.WriteString("\n"); err != nil {
			t.Fatal(err)
		}
		shown, err := bufio.NewReader(operator).ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]string
		if err := json.Unmarshal(shown, &got); err != nil || got["a"] != want["a"] || got["b"] != want["b"] {
			t.Errorf("in pieces of %d: %q, %v", size, shown, err)
		}
	}
}
