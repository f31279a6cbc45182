package command

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/spf13/cobra"

	"github.com/caddy-wechat/gateway/caddymodule"
)

// running is a server with a wechat app and an admin endpoint.
type running struct {
	t       *testing.T
	address string
}

func start(t *testing.T) *running {
	t.Helper()
	return startWith(t, "")
}

// startWith is start with more JSON of the app, a comma behind it.
func startWith(t *testing.T, more string) *running {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("SECRET", "s3cret")
	r := &running{t, freeLoopback(t, 1)[0]}
	config := fmt.Sprintf(`{"admin":{"listen":%q,"config":{"persist":false}},"storage":{"module":"file_system","root":%q},
		"logging":{"logs":{"default":{"writer":{"output":"discard"}}}},
		"apps":{"wechat":{%s"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"{env.SECRET}"}],"store":{"store":"local","folder":%q}}}}`,
		r.address, t.TempDir(), more, t.TempDir())
	if err := caddy.Load([]byte(config), true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	return r
}

// wechat runs a command as a terminal's user would, against an address.
func wechat(t *testing.T, address string, args ...string) (out, errOut string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err = root(&stdout, &stderr, append(args, "--address", address)).ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

// bare runs a command as it is, and returns all that it printed.
func bare(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	var both bytes.Buffer
	err = root(&both, &both, args).ExecuteContext(t.Context())
	return both.String(), err
}

// root is Caddy's own command with `wechat` in it, as Register adds it.
func root(stdout, stderr io.Writer, args []string) *cobra.Command {
	caddy := &cobra.Command{Use: "caddy", SilenceUsage: true, SilenceErrors: true}
	caddy.AddCommand(group(&cobra.Command{Use: "wechat"}, subcommands(nil, caddymodule.Looks, caddymodule.Examine)...))
	caddy.SetOut(stdout)
	caddy.SetErr(stderr)
	caddy.SetArgs(append([]string{"wechat"}, args...))
	return caddy
}

// do runs a command that succeeds and returns what it printed.
func (r *running) do(args ...string) string {
	r.t.Helper()
	out, errOut, err := wechat(r.t, r.address, args...)
	if err != nil {
		r.t.Fatalf("%v: %v", args, err)
	}
	if errOut != "" {
		r.t.Errorf("%v: on standard error: %q", args, errOut)
	}
	return out
}

// fails runs a command that must fail with these words.
func (r *running) fails(want string, args ...string) {
	r.t.Helper()
	out, _, err := wechat(r.t, r.address, args...)
	if err == nil || !strings.Contains(err.Error(), want) {
		r.t.Errorf("%v: error %v, want one with %q", args, err, want)
	}
	if out != "" {
		r.t.Errorf("%v: it failed, and printed %q", args, out)
	}
}

// file writes lines to a file of the test.
func file(t *testing.T, lines ...string) string {
	t.Helper()
	return raw(t, strings.Join(lines, "\n")+"\n")
}

// raw is a file with these bytes.
func raw(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ledger.jsonl")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const header = `{"format":"wechat-ledger","version":2}`

// line is a person of a ledger, number n of many.
func line(n int) string {
	const digits = "abcdefghijklmnopqrstuvwxyz"
	id := string([]byte{digits[n/17576%26], digits[n/676%26], digits[n/26%26], digits[n%26]})
	return fmt.Sprintf(`{"id":"%s%s","accounts":[{"app_id":"wx1234567890abcdef","openid":"o%s","consent_at":"2026-03-01T10:00:00Z","first_seen":"2026-03-01T10:00:00Z","last_seen":"2026-03-01T10:00:00Z"}],"nickname":"小明\u202e","first_seen":"2026-03-01T10:00:00Z","last_seen":"2026-03-01T10:00:00Z","version":1,"order":%d}`,
		strings.Repeat("a", 22), id, id, n+1)
}

func personID(n int) string { return line(n)[7:33] }
