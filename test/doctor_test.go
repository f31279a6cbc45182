package test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/advice"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// wellChecks are the checks of every set-up that runs.
var wellChecks = []string{
	"configuration", "inline-secret", "versions", "server", "running configuration", "running secrets", "secret", "followers", "clock", "wechat_auth", "site", "dns",
	"verify_file", "callback", "push", "push_aes_key", "trusted_proxies", "folder", "memory", "cookies",
}

// A healthy set-up with a local store, two sites and all kinds of accounts
// yields nothing but passes, in each mode and language.
func TestDoctorHealthyLocal(t *testing.T) {
	c := newClinic(t)
	path := c.start(c.caddyfile(c.local()))
	c.examine(c.both(path)...).isWell(t, wellChecks...)
	c.examine("--address", "127.0.0.1:"+c.ports[2]).isWell(t, "server", "secret", "callback")
	c.examine("--config", path).isWell(t, "configuration", "secret", "push", "callback")

	for language, words := range map[string][2]string{"zh": {"[通过] secret main: 微信接受 AppID 和 AppSecret", "警告 0，失败 0，未知 0"}, "en": {"[pass] secret main: WeChat accepts app id and secret", "warning 0, failure 0, unknown 0"}} {
		out, exit := c.run(append(c.both(path), "--language", language)...)
		if exit != 0 || !strings.Contains(out, words[0]) || !strings.Contains(out, words[1]) {
			t.Errorf("%s: exit status %d\n%s", language, exit, out)
		}
		c.env = append(c.env, "LC_ALL="+map[string]string{"zh": "zh_CN.UTF-8", "en": "en_US.UTF-8"}[language])
		if same, _ := c.run(c.both(path)...); !strings.Contains(same, words[0]) {
			t.Errorf("LC_ALL does not choose %s:\n%s", language, same)
		}
	}

	// It has left no file behind, and the ledger's and keys' untouched.
	before := filesIn(t, c.folder)
	c.run("--config", path)
	if after := filesIn(t, c.folder); after != before {
		t.Errorf("the doctor has changed files:\n%s\nbefore:\n%s", after, before)
	}
}

// filesIn lists the files of a folder with size and time.
func filesIn(t *testing.T, folder string) string {
	t.Helper()
	var list strings.Builder
	err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&list, path, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list.String()
}

// Each mistake that the simulator can plant leads to its fix.
func TestDoctorNamesMistakesAtWeChat(t *testing.T) {
	c := newClinic(t)
	path := c.start(c.caddyfile(c.local()))
	want := map[string]struct {
		advice string
		words  []string
	}{
		"wrong_secret":           {"secret", []string{"40125"}},
		"unknown_app_id":         {"app-id", []string{"40013"}},
		"invalid_credential":     {"credential", []string{"40001"}},
		"ip_not_allowed":         {"allowlist", []string{"40164", "127.0.0.1"}},
		"secret_frozen":          {"frozen", []string{"40243"}},
		"daily_quota":            {"quota", []string{"45009"}},
		"minute_quota":           {"too-often", []string{"45011"}},
		"api_unauthorized":       {"scope", []string{"48001"}},
		"followers_unauthorized": {"scope", []string{"48001"}},
		"followers_not_allowed":  {"allowlist", []string{"40164"}},
		"api_banned":             {"api-banned", []string{"48004"}},
		"admin_pending":          {"administrator", []string{"89501"}},
		"admin_confirms":         {"administrator", []string{"89503"}},
		"admin_refused_day":      {"administrator", []string{"89506"}},
		"admin_refused_hour":     {"administrator", []string{"89507"}},
		"busy":                   {"busy", []string{"-1"}},
		"bad_gateway":            {"wechat-answer", []string{"502"}},
		"web_page":               {"wechat-answer", nil},
		"cut_connection":         {"wechat-unreachable", nil},
		"clock_ahead":            {"clock", []string{"behind"}},
		"clock_behind":           {"clock", []string{"ahead"}},
		"callback_domain":        {"callback-domain", []string{"10003", "callback domain"}},
		"no_userinfo":            {"scope", []string{"10005"}},
		"banned":                 {"banned", []string{"10004"}},
		"test_account":           {"follow-first", []string{"10006"}},
		"page_too_often":         {"too-often", []string{"10009"}},
	}
	for _, m := range wechattest.Mistakes() {
		t.Run(m.Name, func(t *testing.T) {
			w, ok := want[m.Name]
			if !ok {
				t.Fatalf("no row for the mistake %s", m.Name)
			}
			undo, err := c.wechat.Plant(m.Name)
			if err != nil {
				t.Fatal(err)
			}
			defer undo()
			c.examine(c.both(path)...).leadsTo(t, w.advice, w.words...)
		})
	}
	// The same sentence in Chinese, for people.
	undo, err := c.wechat.Plant("ip_not_allowed")
	if err != nil {
		t.Fatal(err)
	}
	defer undo()
	row, _ := advice.ByID("allowlist")
	if out, exit := c.run(append(c.both(path), "--language", "zh")...); exit != 1 || !strings.Contains(out, "[失败] secret main: 微信回答 40164：要加到 IP白名单 的地址是 127.0.0.1\n    → "+row.Fix.Chinese) {
		t.Errorf("exit status %d\n%s", exit, out)
	}
}

// Each mistake in the configuration leads to its fix. The server runs the
// configuration without it.
func TestDoctorNamesMistakesInTheConfiguration(t *testing.T) {
	c := newClinic(t)
	well := c.caddyfile(c.local())
	c.start(well)
	c.env = append(c.env, "OTHER_TOKEN=anotherPushToken", "OTHER_AES_KEY="+strings.Repeat("Ab1", 14)+"A")
	c.secrets = append(c.secrets, "anotherPushToken", strings.Repeat("Ab1", 14)+"A", "fedcba9876543210fedcba9876543210")
	for name, m := range map[string]struct {
		old, fresh string // what is replaced, everywhere
		advice     string
		words      []string
	}{
		"variable not set":       {"{env.CLINIC_SECRET}", "{env.CLINIC_NOT_SET}", "configuration", []string{"CLINIC_NOT_SET", "app_secret"}},
		"original id":            {"wx1234567890abcdef", "gh_1234567890ab", "configuration", []string{"原始ID"}},
		"not a Caddyfile":        {"wechat_auth", "wechat_oath", "configuration", []string{"wechat_oath"}},
		"unknown value":          {"outside_wechat login", "outside_wechat logon", "configuration", []string{"logon"}},
		"secret in the file":     {"{env.CLINIC_SECRET}", "fedcba9876543210fedcba9876543210", "inline-secret", []string{"app_secret"}},
		"token in the file":      {"{env.CLINIC_TOKEN}", "anotherPushToken", "inline-secret", []string{"main: push_token"}},
		"no guard":               {"http://localhost:" + c.ports[1] + " {\n\twechat_auth {\n\t\tallow followers\n\t}\n", "http://localhost:" + c.ports[1] + " {\n", "unguarded", nil},
		"followers, no push":     {"\t\t\tpush_token {env.CLINIC_TOKEN}\n\t\t\tpush_aes_key {env.CLINIC_AES_KEY}\n", "", "followers-push", []string{"allow followers", "push_token"}},
		"no guard at all":        {"wechat_auth {\n\t\toutside_wechat login\n\t}\n", "", "unguarded", nil},
		"no host":                {"http://localhost:" + c.ports[1], ":" + c.ports[1], "no-host", nil},
		"no DNS":                 {"http://localhost:", "http://no-such-host.invalid:", "dns", []string{"no-such-host.invalid"}},
		"wrong port":             {"http://127.0.0.1:" + c.ports[0], "http://127.0.0.1:1", "site-unreachable", nil},
		"another server":         {"http://127.0.0.1:" + c.ports[0] + " {", c.app.URL + " {", "not-gateway", []string{"200"}},
		"another origin":         {"open_url", "callback_origin http://localhost:" + c.ports[1] + "\n\t\topen_url", "origin", []string{"http://127.0.0.1:" + c.ports[0], "http://localhost:" + c.ports[1]}},
		"TLS ends before":        {"outside_wechat login", "origin https://localhost:" + c.ports[0], "trusted-proxies", nil},
		"verify file":            {"MP_verify_AbCd1234.txt AbCd1234", "MP_verify_EfGh5678.txt EfGh5678", "verify-file", []string{"/MP_verify_EfGh5678.txt"}},
		"push token":             {"{env.CLINIC_TOKEN}", "{env.OTHER_TOKEN}", "push-token", []string{"/_wechat/push/main"}},
		"push AES key":           {"{env.CLINIC_AES_KEY}", "{env.OTHER_AES_KEY}", "push-aes-key", nil},
		"push is not running":    {"app_id wx2345678901bcdefa", "app_id wx2345678901bcdefa\n\t\t\tpush_token {env.OTHER_TOKEN}", "push-url", []string{"404"}},
		"not reloaded":           {"outside_wechat login", "outside_wechat refuse", "other-configuration", nil},
		"folder is a file":       {"/ledger\n", "/Caddyfile/ledger\n", "folder", nil},
		"WeChat is not there":    {c.sim.URL, "http://127.0.0.1:1", "wechat-unreachable", nil},
		"an app instead of them": {c.sim.URL, c.app.URL, "wechat-answer", nil},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.ReplaceAll(well, m.old, m.fresh)
			if changed == well {
				t.Fatalf("nothing to replace: %q", m.old)
			}
			path := c.write("changed", changed)
			c.examine(c.both(path)...).leadsTo(t, m.advice, m.words...)
		})
	}
	t.Run("no wechat block", func(t *testing.T) {
		c.examine("--config", c.write("changed", ":1 {\n}\n")).leadsTo(t, "configuration", "wechat block")
	})
	t.Run("no site", func(t *testing.T) {
		block, _, _ := strings.Cut(well, "\nhttp://")
		c.examine("--config", c.write("changed", block)).leadsTo(t, "no-site")
	})
	t.Run("no server", func(t *testing.T) {
		c.examine("--config", c.write("changed", well), "--address", "127.0.0.1:1").leadsTo(t, "not-running")
	})
	t.Run("the ledger can be read", func(t *testing.T) {
		file := filepath.Join(c.folder, "ledger", "ledger.db")
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		c.examine("--config", c.write("changed", well)).leadsTo(t, "folder-rights", "ledger.db")
	})
}

// What the running server has seen of the proxies in front, and of cookies,
// leads to the fix. A stranger's headers do not: see the attack.
func TestDoctorNamesWhatTheServerHasSeen(t *testing.T) {
	w := newWorld(t)
	admin := "127.0.0.1:" + freePort(t)
	w.load(w.caddyfile(options{admin: admin}))
	c := newClinic(t)
	c.env, c.secrets = append(c.env, "WECHAT_APP_ID="+appID, "WECHAT_APP_SECRET="+appSecret), append(c.secrets, appSecret)
	c.examine("--address", admin).isWell(t, "cookies", "trusted_proxies")

	ming := w.visitor("ming")
	if a := ming.signIn(w.site + "/"); a.StatusCode != http.StatusOK {
		t.Fatalf("not signed in: %s", a.Status)
	}
	ming.send(http.MethodGet, w.site+"/", "", http.Header{"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Proto": {"https"}})
	address, err := ming.client.Get(w.site + "/_wechat/session")
	if err != nil {
		t.Fatal(err)
	}
	_ = address.Body.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.site+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range ming.client.Jar.Cookies(request.URL) {
		request.AddCookie(cookie)
	}
	request.AddCookie(&http.Cookie{Name: "cart", Value: strings.Repeat("x", 7000)})
	request.Header.Set("User-Agent", phoneUA)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()

	d := c.examine("--address", admin)
	d.leadsTo(t, "trusted-proxies", "127.0.0.1")
	d.leadsTo(t, "origin", "https")
	d.leadsTo(t, "cookies", "7")
}

// A typing mistake is an error, and no report.
func TestDoctorFlags(t *testing.T) {
	c := newClinic(t)
	for want, args := range map[string][]string{
		"--config, or the admin endpoint": nil,
		"--language is zh or en":          {"--config", "x", "--language", "fr"},
	} {
		command := newCommand(c, args...)
		out, err := command.CombinedOutput()
		if err == nil || command.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v, want %q\n%s", args, err, want, out)
		}
	}
	c.examine("--config", filepath.Join(c.folder, "not there")).leadsTo(t, "configuration", "no such file")
}

// A secret's file was changed, and nothing was loaded: WeChat accepts the
// file's secret, and refuses every visitor. The doctor names what to do, and
// after a forced reload all is well.
func TestDoctorFindsSecretsThatAreNotLoaded(t *testing.T) {
	c := newClinic(t)
	file := c.write("secret", clinicSecret)
	path := c.start(strings.ReplaceAll(c.caddyfile(c.local()), "{env.CLINIC_SECRET}", "{file."+file+"}"))
	c.examine(c.both(path)...).isWell(t, "running secrets")

	const fresh = "fedcba9876543210fedcba9876543210"
	c.secrets = append(c.secrets, fresh)
	for _, account := range c.wechat.Accounts() {
		account.Secret = fresh
		if err := c.wechat.AddAccount(account); err != nil {
			t.Fatal(err)
		}
	}
	c.write("secret", fresh+"\n")
	for _, flags := range [][]string{c.both(path), {"--address", "127.0.0.1:" + c.ports[2]}} {
		c.examine(flags...).leadsTo(t, "secrets-not-loaded", "does not use the secret")
	}
	reload := func(flags ...string) {
		t.Helper()
		command := exec.Command(c.binary, append([]string{"reload", "--config", path, "--adapter", "caddyfile", "--address", "127.0.0.1:" + c.ports[2]}, flags...)...)
		command.Env = c.env
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	reload() // Caddy prints no error, and changes nothing
	c.examine(c.both(path)...).leadsTo(t, "secrets-not-loaded")
	reload("--force")
	c.examine(c.both(path)...).isWell(t, "running secrets", "secret")
}

// Session keys that were restored for every user to read are a leak, also in a
// storage of their own.
func TestDoctorFindsReadableSessionKeys(t *testing.T) {
	c := newClinic(t)
	path := c.start(strings.Replace(c.caddyfile(c.local()), "session {\n\t\t\tkey {env.CLINIC_KEY}\n\t\t}", "", 1))
	c.examine(c.both(path)...).isWell(t, "folder")
	if err := os.Chmod(filepath.Join(c.folder, "storage/wechat/session_keys.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	c.examine(c.both(path)...).leadsTo(t, "folder-rights", "session_keys.json")
}
