package caddymodule_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// A configuration is loaded here as `caddy validate` and `caddy run` load it,
// with its log in a file. loadLog returns what the log says.
func loadLog(t *testing.T, app, http string) (log string, err error) {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	file := filepath.Join(t.TempDir(), "log.json")
	text := fmt.Sprintf(`{"admin":{"disabled":true,"config":{"persist":false}},"storage":{"module":"file_system","root":%q},"logging":{"logs":{"default":{"level":"INFO","writer":{"output":"file","filename":%q}}}},"apps":{"wechat":{%s}%s}}`,
		t.TempDir(), file, app, http)
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	err = caddy.Load([]byte(text), true)
	b, readErr := os.ReadFile(file)
	if readErr != nil {
		t.Fatal(readErr)
	}
	return string(b), err
}

const (
	goodSecret = "0123456789abcdef0123456789abcdef"
	guarded    = `,"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"wechat_auth"}]}]}}}`
)

// What only the environment or a file knows is checked when the server starts.
// The error names the account, the option and where the value came from, and
// never shows a secret.
func TestLoadRefusesValuesOfTheEnvironment(t *testing.T) {
	const id = "wx1234567890abcdef"
	for name, test := range map[string]struct{ id, secret, want string }{
		"original id":        {"gh_0123456789ab", goodSecret, "official_account shop: app_id ({env.LOAD_ID}): 'gh_0123456789ab' is the account's 原始ID (original id). Write its app id"},
		"upper case":         {"wx1234567890ABCDEF", goodSecret, "app_id ({env.LOAD_ID}): 'wx1234567890ABCDEF' has upper-case letters. App ids are lower-case: write " + id},
		"too short":          {"wx1234567890", goodSecret, "app_id ({env.LOAD_ID}): 'wx1234567890' is not an app id"},
		"old style":          {"wxA_test-account", goodSecret, "is not an app id"},
		"in quotes":          {`"wx1234567890abcdef"`, goodSecret, `app_id ({env.LOAD_ID}): it must be "wx"`},
		"both exchanged":     {goodSecret, id, "app_id ({env.LOAD_ID}): this looks like the app secret"},
		"mark before the id": {"\ufeff" + id, goodSecret, `app_id ({env.LOAD_ID}): it must be "wx"`},

		"byte order mark":   {id, "\ufeff" + goodSecret, "official_account shop: app_secret ({env.LOAD_SECRET}): the secret begins with a byte order mark (BOM)"},
		"quotes":            {id, `"` + goodSecret + `"`, "app_secret ({env.LOAD_SECRET}): the secret contains quotes"},
		"single quotes":     {id, `'` + goodSecret + `'`, "quotes"},
		"curly quotes":      {id, "“" + goodSecret + "”", "characters that are not ASCII"},
		"a blank":           {id, goodSecret[:16] + " " + goodSecret[16:], "a space or a line break"},
		"a line break":      {id, goodSecret[:16] + "\n" + goodSecret[16:], "a space or a line break"},
		"two lines":         {id, goodSecret + "\r\n" + goodSecret, "a space or a line break"},
		"zero-width space":  {id, goodSecret + "\u200b", "not ASCII"},
		"control character": {id, goodSecret[:31] + "\x01", "control characters"},
		"GBK":               {id, "\xc3\xdc\xc2\xeb" + goodSecret, "not ASCII"},
		"empty":             {id, " \n", "app_secret is missing or empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LOAD_ID", test.id)
			t.Setenv("LOAD_SECRET", test.secret)
			err := validate(t, `"official_accounts":[{"name":"shop","app_id":"{env.LOAD_ID}","app_secret":"{env.LOAD_SECRET}"}]`, "")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			if strings.Contains(err.Error(), goodSecret[:16]) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

// Editors end a file with a line break, and Windows' begin it with a mark.
func TestLoadReadsTheSecretOfAFile(t *testing.T) {
	for name, test := range map[string]struct{ content, want string }{
		"plain":             {goodSecret, ""},
		"line break":        {goodSecret + "\n", ""},
		"of Windows":        {goodSecret + "\r\n", ""},
		"several":           {"\n" + goodSecret + " \n\n", ""},
		"byte order mark":   {"\ufeff" + goodSecret + "\n", "byte order mark"},
		"UTF-16":            {"\xff\xfe" + strings.Join(strings.Split(goodSecret, ""), "\x00") + "\x00", "not as UTF-16"},
		"empty":             {"", "is empty; set the variable or file it names"},
		"two of them":       {goodSecret + "\n" + goodSecret + "\n", "line break"},
		"of another system": {"WECHAT_APP_SECRET=" + goodSecret + "\n", ""}, // a WARN: it is not 32 digits
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(file, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			err := validate(t, `"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"{file.`+file+`}"}]`, "")
			switch {
			case test.want == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), goodSecret[:8]) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

// A reload cannot read a credential that systemd has not handed over yet.
func TestLoadNamesTheWayToAMissingCredential(t *testing.T) {
	err := validate(t, `"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"{file./run/credentials/no.service/app-secret}"}]`, "")
	if err == nil || !strings.Contains(err.Error(), "systemd hands credentials over when the service starts: restart it") {
		t.Errorf("error %v", err)
	}
}

// A byte order mark makes other secrets into other ones, too.
func TestLoadRefusesAMarkInOtherSecrets(t *testing.T) {
	t.Setenv("LOAD_SECRET", goodSecret)
	t.Setenv("LOAD_MARKED", "\ufeff"+goodSecret)
	const account = `"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"{env.LOAD_SECRET}"%s}]%s`
	for name, test := range map[string]struct{ push, more, want string }{
		"webhook":        {"", `,"webhooks":[{"url":"https://crm.example.com","secrets":["{env.LOAD_MARKED}"]}]`, "secret ({env.LOAD_MARKED}): the secret begins with a byte order mark"},
		"Redis":          {"", `,"store":{"store":"redis","address":"redis://127.0.0.1:1","password":"{env.LOAD_MARKED}"}`, "password ({env.LOAD_MARKED}): the secret begins with a byte order mark"},
		"push token":     {`,"push":{"tokens":["{env.LOAD_MARKED}"]}`, "", "push_token"},
		"session's keys": {"", `,"session":{"keys":["{env.LOAD_MARKED}"]}`, ""}, // what it sealed before is opened still
	} {
		t.Run(name, func(t *testing.T) {
			err := validate(t, fmt.Sprintf(account, test.push, test.more), "")
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// Files of certificates may begin with a byte order mark.
func TestLoadReadsMarkedCertificates(t *testing.T) {
	t.Setenv("LOAD_SECRET", goodSecret)
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, mark := range map[string]string{"plain": "", "with a mark": "\ufeff"} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, append([]byte(mark), certificate...), 0o600); err != nil {
				t.Fatal(err)
			}
			store := fmt.Sprintf(`,"store":{"store":"redis","address":"rediss://127.0.0.1:1","ca":%q}`, file)
			if err := validate(t, `"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"{env.LOAD_SECRET}"}]`+store, ""); err != nil {
				t.Error(err)
			}
		})
	}
}

// What may be right, and is odd, is told at each start, by the name of the
// option.
func TestLoadWarns(t *testing.T) {
	t.Setenv("LOAD_SECRET", goodSecret)
	account := func(secret, more string) string {
		return `"official_accounts":[{"app_id":"wx1234567890abcdef","app_secret":"` + secret + `"` + more + `}]`
	}
	good := account("{env.LOAD_SECRET}", "")
	const noSite = `,"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"static_response"}]}]}}}`
	for name, test := range map[string]struct {
		app, http, secret string
		want, level       string // "" for none
	}{
		"nothing":            {good, guarded, goodSecret, "", ""},
		"short secret":       {good, guarded, "s3cret-of-another-kind", "app_secret is not 32 hexadecimal digits", "warn"},
		"no site":            {good, noSite, goodSecret, "no site has wechat_auth", "warn"},
		"no server":          {good, "", goodSecret, "no site has wechat_auth", "warn"},
		"http to loopback":   {good + `,"api_url":"http://127.0.0.1:9801"`, guarded, goodSecret, "api_url is plain http", "warn"},
		"http to localhost":  {good + `,"open_url":"http://localhost:9801"`, guarded, goodSecret, "open_url is plain http", "warn"},
		"http to WeChat":     {good + `,"open_url":"http://open.weixin.qq.com"`, guarded, goodSecret, "open_url is plain http", "warn"},
		"a proxy":            {good + `,"api_url":"https://egress.example.com"`, guarded, goodSecret, "api_url is not one of WeChat's hosts", "info"},
		"a proxy for pages":  {good + `,"open_url":"https://open.weixin.qq.com.example.com"`, guarded, goodSecret, "open_url is not one of WeChat's hosts", "info"},
		"WeChat's own":       {good + `,"open_url":"https://open.weixin.qq.com","api_url":"https://api.weixin.qq.com"`, guarded, goodSecret, "", ""},
		"of a region":        {good + `,"api_url":"https://sh.api.weixin.qq.com"`, guarded, goodSecret, "", ""},
		"verify file":        {account("{env.LOAD_SECRET}", `,"verify_files":[{"name":"MP_verify_AbCd1234.txt","content":"AbCd1235"}]`), guarded, goodSecret, "verify_file: the content does not match", "warn"},
		"verify file's name": {account("{env.LOAD_SECRET}", `,"verify_files":[{"name":"MP_verify_AbCd1234.txt","content":"AbCd1234"}]`), guarded, goodSecret, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LOAD_SECRET", test.secret)
			log, err := loadLog(t, test.app, test.http)
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for line := range strings.Lines(log) {
				var l struct{ Level, Logger, Msg string }
				if err := json.Unmarshal([]byte(line), &l); err != nil {
					t.Fatal(err)
				}
				if l.Logger != "wechat" || l.Msg == "session keys written" {
					continue
				}
				found++
				if test.want == "" || !strings.HasPrefix(l.Msg, test.want) || l.Level != test.level {
					t.Errorf("the log has %s", line)
				}
			}
			if want := min(len(test.want), 1); found != want {
				t.Errorf("%d lines, want %d in\n%s", found, want, log)
			}
			if strings.Contains(log, test.secret) {
				t.Error("the log shows the secret")
			}
		})
	}
}
