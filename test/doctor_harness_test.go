package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/advice"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// clinic is a gateway in a process of its own, with two sites and an account of
// each kind, a simulated WeChat and an app; and the doctor, which examines it
// as a program of its own.
type clinic struct {
	t       *testing.T
	binary  string
	folder  string
	wechat  *wechattest.Server
	sim     *httptest.Server
	app     *httptest.Server
	ports   [3]string // two sites and the admin endpoint
	env     []string
	secrets []string // no answer of the doctor has one
	gateway *program
}

// The variables of a clinic's configuration. Each value is a secret.
const (
	clinicSecret = wechattest.DefaultSecret
	clinicToken  = "pushTokenOfTheClinic"
	clinicAESKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	clinicKey    = "the session key of a whole fleet of gateways"
)

func newClinic(t *testing.T) *clinic {
	t.Helper()
	binary, err := gatewayBinary()
	if err != nil {
		t.Fatal(err)
	}
	c := &clinic{t: t, binary: binary, folder: t.TempDir(), secrets: []string{clinicSecret, clinicToken, clinicAESKey, clinicKey}}
	for i := range c.ports {
		c.ports[i] = freePort(t)
	}
	c.wechat = wechattest.New(wechattest.Config{Accounts: wechattest.DefaultAccounts(), Persons: wechattest.DefaultPersons()})
	c.sim = httptest.NewServer(c.wechat)
	c.app = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "app") }))
	t.Cleanup(func() {
		if c.gateway != nil {
			c.gateway.stop()
		}
		c.sim.Close()
		c.wechat.Close()
		c.app.Close()
	})
	c.env = append(os.Environ(),
		"CLINIC_SECRET="+clinicSecret, "CLINIC_TOKEN="+clinicToken, "CLINIC_AES_KEY="+clinicAESKey, "CLINIC_KEY="+clinicKey,
		"XDG_DATA_HOME="+c.folder, "XDG_CONFIG_HOME="+c.folder, "LC_ALL=C")
	return c
}

// caddyfile is a configuration without a mistake. store is a line of the wechat
// block, %s in it the clinic's folder.
func (c *clinic) caddyfile(store string) string {
	return fmt.Sprintf(`{
	admin 127.0.0.1:%[3]s
	persist_config off
	storage file_system %[1]s/storage
	wechat {
		official_account main {
			app_id wx1234567890abcdef
			app_secret {env.CLINIC_SECRET}
			verify_file MP_verify_AbCd1234.txt AbCd1234
			push_token {env.CLINIC_TOKEN}
			push_aes_key {env.CLINIC_AES_KEY}
		}
		mini_program mini {
			app_id wx2345678901bcdefa
			app_secret {env.CLINIC_SECRET}
		}
		mobile_app app {
			app_id wx3456789012cdefab
			app_secret {env.CLINIC_SECRET}
		}
		website pc {
			app_id wx4567890123defabc
			app_secret {env.CLINIC_SECRET}
		}
		session {
			key {env.CLINIC_KEY}
		}
		%[4]s
		open_url %[5]s
		api_url %[5]s
	}
}

http://127.0.0.1:%[2]s {
	wechat_auth {
		outside_wechat login
	}
	reverse_proxy %[6]s
}

http://localhost:%[7]s {
	wechat_auth {
		allow followers
	}
	reverse_proxy %[6]s
}
`, c.folder, c.ports[0], c.ports[2], store, c.sim.URL, strings.TrimPrefix(c.app.URL, "http://"), c.ports[1])
}

// local is the store of a clinic without Redis.
func (c *clinic) local() string { return "store local " + c.folder + "/ledger" }

// write writes a file of the clinic and returns its path.
func (c *clinic) write(name, content string) string {
	c.t.Helper()
	path := filepath.Join(c.folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// start runs the gateway with a configuration.
func (c *clinic) start(caddyfile string) (path string) {
	c.t.Helper()
	path = c.write("Caddyfile", caddyfile)
	command := exec.Command(c.binary, "run", "--config", path, "--adapter", "caddyfile")
	command.Env = c.env
	var err error
	if c.gateway, err = start(command); err != nil {
		c.t.Fatal(err)
	}
	err = c.gateway.until(60*time.Second, func() bool {
		response, err := http.Get("http://127.0.0.1:" + c.ports[0] + "/_wechat/session")
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusUnauthorized
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return path
}

// both are the flags that examine a file and the running server.
func (c *clinic) both(path string) []string {
	return []string{"--config", path, "--adapter", "caddyfile", "--address", "127.0.0.1:" + c.ports[2]}
}

// diagnosis is what the doctor says in JSON.
type diagnosis struct {
	Status   string `json:"status"`
	Findings []struct {
		Check, Subject, Status, Says, Fix, Advice string
	} `json:"findings"`
	exit int
	text string
}

// run runs the doctor and returns what it prints on standard output, and its
// exit status. Nothing that it prints contains a secret.
func (c *clinic) run(args ...string) (out string, exit int) {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	command := exec.Command(c.binary, append([]string{"wechat", "doctor"}, args...)...)
	command.Env, command.Stdout, command.Stderr = c.env, &stdout, &stderr
	err := command.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		c.t.Fatal(err)
	}
	for _, secret := range c.secrets {
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			c.t.Errorf("doctor %v prints the secret %.6s…:\n%s%s", args, secret, &stdout, &stderr)
		}
	}
	if stdout.Len() == 0 {
		c.t.Fatalf("doctor %v says nothing: %v\n%s", args, err, &stderr)
	}
	return stdout.String(), command.ProcessState.ExitCode()
}

// examine runs the doctor with --json.
func (c *clinic) examine(args ...string) (d diagnosis) {
	c.t.Helper()
	d.text, d.exit = c.run(append(args, "--json")...)
	if err := json.Unmarshal([]byte(d.text), &d); err != nil {
		c.t.Fatalf("not JSON alone: %v\n%s", err, d.text)
	}
	return d
}

// leadsTo checks that a finding has this row of advice, its sentence about the
// fix, and these words, and that the exit status follows the worst.
func (d diagnosis) leadsTo(t *testing.T, id string, words ...string) {
	t.Helper()
	row, ok := advice.ByID(id)
	if !ok {
		t.Fatalf("there is no advice %s", id)
	}
	if want := map[string]int{"failure": 1, "warning": 2, "unknown": 2}[d.Status]; d.exit != want {
		t.Errorf("exit status %d, want %d for %s", d.exit, want, d.Status)
	}
	for _, f := range d.Findings {
		if f.Advice != id {
			continue
		}
		if f.Fix != row.Fix.English {
			t.Errorf("the fix is %q, want %q", f.Fix, row.Fix.English)
		}
		for _, word := range words {
			if says := f.Subject + ": " + f.Says; !strings.Contains(says, word) {
				t.Errorf("it says %q, without %q", says, word)
			}
		}
		return
	}
	t.Errorf("no finding leads to %s:\n%s", id, d.text)
}

// isWell checks that there is nothing but passes, of these checks among others.
func (d diagnosis) isWell(t *testing.T, checks ...string) {
	t.Helper()
	passed := map[string]bool{}
	for _, f := range d.Findings {
		passed[f.Check] = true
		if f.Status != "pass" || f.Advice != "" || f.Fix != "" {
			t.Errorf("%s %s: %s: %s", f.Check, f.Subject, f.Status, f.Says)
		}
	}
	for _, check := range checks {
		if !passed[check] {
			t.Errorf("%s was not checked", check)
		}
	}
	if d.exit != 0 || d.Status != "pass" {
		t.Errorf("exit status %d, %s", d.exit, d.Status)
	}
}

// newCommand is the doctor, not started.
func newCommand(c *clinic, args ...string) *exec.Cmd {
	command := exec.Command(c.binary, append([]string{"wechat", "doctor"}, args...)...)
	command.Env = c.env
	return command
}
