package command

import (
	"net/http"
	"net/http/httptest"
	"os/user"
	"strings"
	"testing"
)

// The server learns which user of the operating system runs a command, and who
// is behind sudo.
func TestOperator(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	var claimed string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claimed = r.Header.Get("Wechat-Operator")
		_, _ = w.Write([]byte("[]"))
	}))
	defer server.Close()
	for behind, want := range map[string]string{
		"":            me.Username,
		"小明":          me.Username + " (sudo: 小明)",
		"a\nb: c\x1b": me.Username + " (sudo: a?b: c?)",
	} {
		t.Run(behind, func(t *testing.T) {
			t.Setenv("SUDO_USER", behind)
			if _, _, err := wechat(t, strings.TrimPrefix(server.URL, "http://"), "webhooks", "list"); err != nil || claimed != want {
				t.Errorf("claimed %q, want %q; %v", claimed, want, err)
			}
		})
	}
}
