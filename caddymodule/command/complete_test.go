package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The shell is told commands, flags and the names of webhooks, and no files
// where a command takes an id.
func TestCompletion(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"name":"crm"},{"name":"订单"},{"name":"bad\u001b[0m"}]`)
	}))
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	const noFiles, files = ":4", ":0"
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"per"}, []string{"persons", noFiles}},
		{[]string{"persons", "er"}, []string{"erase", noFiles}},
		{[]string{"persons", "erase", "--y"}, []string{"--yes", noFiles}},
		{[]string{"persons", "show", ""}, []string{noFiles}},
		{[]string{"webhooks", "dead", "--address", address, ""}, []string{"crm", "订单", noFiles}},
		{[]string{"webhooks", "redeliver", "--address", address, "c"}, []string{"crm", noFiles}},
		{[]string{"webhooks", "redeliver", "--address", address, "crm", ""}, []string{noFiles}},
		{[]string{"webhooks", "dead", "--address", "127.0.0.1:1", ""}, []string{noFiles}},
		{[]string{"webhooks", "dead", "--address", "x:y:z", ""}, []string{noFiles}},
		{[]string{"ledger", "import", ""}, []string{files}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			var out, errOut strings.Builder
			cmd := root(&out, &errOut, nil)
			cmd.SetArgs(append([]string{"__completeNoDesc", "wechat"}, c.args...))
			if err := cmd.ExecuteContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := strings.Fields(out.String()); strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("completes %q, want %q", got, c.want)
			}
		})
	}
}
