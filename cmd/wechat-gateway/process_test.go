package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asBinary is set in the processes that the tests start.
const asBinary = "WECHAT_GATEWAY_TEST_AS_BINARY"

func TestMain(m *testing.M) {
	if os.Getenv(asBinary) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// run starts the binary under a name and returns what it printed, and its exit
// status.
func run(t *testing.T, name string, args ...string) (out, errOut string, status int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args = append([]string{name}, args...)
	cmd.Env = append(os.Environ(), asBinary+"=1")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// Help and shell completion are about the name of the binary.
func TestBinaryName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"wechat-gateway":         "wechat-gateway",
		"/usr/local/bin/gateway": "gateway",
		"my gateway":             "wechat-gateway",
		"$(reboot)":              "wechat-gateway",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for shell, line := range map[string]string{
				"bash": "-F __start_" + want + " " + want + "\n",
				"zsh":  "#compdef " + want + "\n",
				"fish": "complete -c " + want + " ",
			} {
				script, _, status := run(t, name, "completion", shell)
				if status != 0 || !strings.Contains(script, line) || strings.Contains(script, "caddy completion") {
					t.Errorf("%s: status %d, no %q", shell, status, line)
				}
			}
			if help, _, _ := run(t, name, "wechat", "persons", "--help"); !strings.Contains(help, "\n  "+want+" wechat persons [command]") {
				t.Errorf("help is %s", help)
			}
		})
	}
}

// Completion knows our commands, their flags, and what the server knows.
func TestBinaryCompletes(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`[{"name":"crm"}]`))
	}))
	t.Cleanup(server.Close)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"wechat", "pers"}, "persons\n"},
		{[]string{"wechat", "persons", "erase", "--js"}, "--json\n"},
		{[]string{"wechat", "webhooks", "dead", "--address", strings.TrimPrefix(server.URL, "http://"), ""}, "crm\n"},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			if out, _, status := run(t, "wechat-gateway", append([]string{"__completeNoDesc"}, c.args...)...); status != 0 || !strings.HasPrefix(out, c.want) {
				t.Errorf("completes %q with status %d, want %q", out, status, c.want)
			}
		})
	}
}

// The process exits with the status of the document.
func TestBinaryExits(t *testing.T) {
	t.Parallel()
	status := func(path string) int {
		switch path {
		case "/wechat/persons/gone":
			return 404
		case "/wechat/persons/down":
			return 503
		case "/wechat/persons/no":
			return 400
		case "/wechat/persons/broken":
			return 500
		}
		return 200
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status(r.URL.Path))
		_, _ = w.Write([]byte(`{"error":"word","message":"a sentence of the server"}`))
	}))
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	for _, c := range []struct {
		address, args string
		want          int
		says          string
	}{
		{address, "persons export here", 0, ""},
		{address, "persons export broken", 1, "Error: a sentence of the server\n"},
		{address, "persons exprot here", 1, `Error: there is no command "exprot" in "wechat-gateway wechat persons"; did you mean export?` + "\n"},
		{address, "persons export gone", 3, "Error: a sentence of the server\n"},
		{address, "persons export down", 4, "Error: a sentence of the server\n"},
		{"127.0.0.1:1", "persons export here", 4, "Error: asking the running server: "},
		{address, "persons export no", 5, "Error: a sentence of the server\n"},
		{address, "persons erase here", 5, "Error: not confirmed: this removes everything about the person for ever; add --yes to confirm\n"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"wechat"}, strings.Fields(c.args)...)
			if _, errOut, got := run(t, "wechat-gateway", append(args, "--address", c.address)...); got != c.want || !strings.HasPrefix(errOut, c.says) {
				t.Errorf("status %d with %q, want %d with %q", got, errOut, c.want, c.says)
			}
		})
	}
}
