package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// The shell is told commands, flags and the names of webhooks, and no files
// where a command takes an id.
func TestCompletion(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"name":"crm"},{"name":"orders-2"},{"name":"bad\u001b[0m"}]`)
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
		{[]string{"webhooks", "dead", "--address", address, ""}, []string{"crm", "orders-2", noFiles}},
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

// Attack: a program at the admin endpoint names a webhook so that the shell
// carries it out, or takes it for a flag or a message of its own.
func TestAttackCompletedCommand(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"name":"$(id)"},{"name":"`+"`id`"+`"},{"name":"a;id"},{"name":"a b"},{"name":"a\tb"},{"name":"a\nb"},{"name":"--all"},{"name":"_activeHelp_ x"},{"name":""},{"name":"*"}]`)
	}))
	t.Cleanup(server.Close)
	for _, begun := range []string{"", "$", "a", "-", "_"} {
		var out, errOut strings.Builder
		cmd := root(&out, &errOut, nil)
		cmd.SetArgs([]string{"__completeNoDesc", "wechat", "webhooks", "purge", "--address", strings.TrimPrefix(server.URL, "http://"), begun})
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, one := range strings.Fields(out.String()) {
			if one != ":4" && !strings.HasPrefix(one, "--address") && !slices.Contains([]string{"--all", "--yes", "--json", "--config", "--adapter", "--help", "-h", "-c", "-a"}, one) || begun != "-" && one == "--all" {
				t.Errorf("after %q the shell completes %q", begun, one)
			}
		}
	}
}
