package caddymodule_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
)

// auditLine is a line of the audit log.
type auditLine struct {
	Logger, Action, Reason, User, Operator, From string
}

// audited has the office write its log, and returns the lines of the audit log
// since the last call.
func (o *office) audited() func() []auditLine {
	o.t.Helper()
	_, text := o.logTo("audit.log")
	seen := 0
	return func() (fresh []auditLine) {
		o.t.Helper()
		all := text()
		for line := range strings.Lines(all[seen:]) {
			var l auditLine
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				o.t.Fatalf("%v: %s", err, line)
			}
			if l.Logger == "http.handlers.wechat_auth.audit" {
				fresh = append(fresh, l)
			}
		}
		seen = len(all)
		return fresh
	}
}

// Each call that changes or shows persons says in the audit log who asked, and
// about whom. No line has an openid.
func TestAdminCallsAreAudited(t *testing.T) {
	t.Setenv("HOOK_SECRET", hookSecret)
	o := openOfficeWith(t, local(t), `"webhooks":[{"name":"crm","url":"http://127.0.0.1:1/","secrets":["{env.HOOK_SECRET}"]}],`)
	lines := o.audited()
	const ming = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	for _, c := range []struct {
		method, path, body string
		status             int
		action             audit.Action // "": no line
		reason, user       string
	}{
		{"POST", "/wechat/ledger", o.ledgerFile(), 200, audit.ActionAdmin, "ledger import", ""},
		{"POST", "/wechat/ledger", strings.Replace(o.ledgerFile(), strings.Repeat("a", 26), strings.Repeat("e", 26), 1), 409, audit.ActionAdmin, "ledger import stopped", ""},
		{"GET", "/wechat/ledger", "", 200, audit.ActionAdmin, "ledger export", ""},
		{"GET", "/wechat/persons?openid=oMing0000000000000000000000", "", 200, audit.ActionAdmin, "persons find", ming},
		{"GET", "/wechat/persons?unionid=nobody", "", 200, audit.ActionAdmin, "persons find", ""},
		{"GET", "/wechat/persons/" + ming, "", 200, audit.ActionAdmin, "export", ming},
		{"GET", "/wechat/persons", "", 200, audit.ActionAdmin, "persons list", ""},
		{"GET", "/wechat/persons?nickname=x", "", 200, audit.ActionAdmin, "persons find nickname", ""},
		{"GET", "/wechat/persons/count", "", 200, "", "", ""},
		{"GET", "/wechat/sessions?person=" + ming, "", 200, audit.ActionAdmin, "sessions list", ming},
		{"DELETE", "/wechat/sessions?person=" + ming, "", 200, audit.ActionLogout, "admin", ming},
		{"DELETE", "/wechat/sessions?everyone=true", "", 200, audit.ActionAdmin, "sessions end everyone", ""},
		{"GET", "/wechat/bans", "", 200, audit.ActionAdmin, "bans list", ""},
		{"DELETE", "/wechat/persons/" + ming + "/ban", "", 404, "", "", ""},
		{"GET", "/wechat/ledger/backup", "", 200, audit.ActionAdmin, "ledger backup", ""},
		{"GET", "/wechat/ledger/verify", "", 200, audit.ActionAdmin, "ledger verify", ""},
		{"GET", "/wechat/ledger/inactive?before=2020-01-01T00:00:00Z", "", 200, "", "", ""},
		{"GET", "/wechat/webhooks/crm", "", 200, audit.ActionAdmin, "webhooks show", ""},
		{"GET", "/wechat/webhooks/crm/dead", "", 200, audit.ActionAdmin, "webhooks dead", ""},
		{"DELETE", "/wechat/webhooks/crm/dead", "", 200, audit.ActionAdmin, "webhooks purge", ""},
		{"POST", "/wechat/webhooks/crm/redeliver", "", 200, audit.ActionAdmin, "redeliver", ""},
		{"DELETE", "/wechat/persons/" + ming, "", 204, audit.ActionErase, "admin", ming},
		{"POST", "/wechat/keys/rotate", "", 200, audit.ActionAdmin, "keys rotate", ""},
		{"GET", "/wechat/persons/" + ming, "", 404, "", "", ""},
		{"GET", "/wechat/doctor", "", 200, "", "", ""},
		{"GET", "/wechat/webhooks", "", 200, "", "", ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), c.method, o.admin+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Wechat-Operator", "li")
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body) // a backup that is not read to its end has another line
			_ = response.Body.Close()
			if response.StatusCode != c.status {
				t.Fatalf("status %d, want %d", response.StatusCode, c.status)
			}
			var want []auditLine
			if c.action != "" {
				want = []auditLine{{"http.handlers.wechat_auth.audit", string(c.action), c.reason, c.user[:min(8, len(c.user))], "claimed:li", "127.0.0.1"}}
			}
			got := lines()
			for waited := 0; len(got) < len(want) && waited < 1500; waited++ { // that of a backup follows its last byte
				time.Sleep(10 * time.Millisecond)
				got = append(got, lines()...)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

// Attack: a caller forges lines of the audit log by the name that it claims, or
// claims to be a name that was proven.
func TestAttackAdminForgesItsName(t *testing.T) {
	o := openOffice(t, local(t))
	lines := o.audited()
	for name, want := range map[string]string{
		"":                          "",
		"claimed:root":              "claimed:claimed:root",
		"a\t\",\"action\":\"erase":  `claimed:a?","action":"erase`,
		strings.Repeat("x", 30<<10): "claimed:" + strings.Repeat("x", 64),
		"\xff\xe2\x80\xae":          "claimed:\ufffd?",
	} {
		t.Run(want, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.admin+"/wechat/persons?id=nobody", nil)
			if err != nil {
				t.Fatal(err)
			}
			if name != "" {
				request.Header["Wechat-Operator"] = []string{name, "second"}
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if got := lines(); len(got) != 1 || got[0].Operator != want || got[0].Action != "admin" {
				t.Errorf("%+v, want the operator %q", got, want)
			}
		})
	}
}

// On a Unix socket there is no address.
func TestAdminCallsOfASocketAreAudited(t *testing.T) {
	o := openOffice(t, local(t))
	socket := filepath.Join(t.TempDir(), "s")
	o.config = strings.Replace(o.config, strings.TrimPrefix(o.admin, "http://"), "unix/"+socket, 1)
	lines := o.audited()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/wechat/persons?id=nobody", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got := lines(); len(got) != 1 || got[0].From != "unix socket" || got[0].Operator != "" {
		t.Errorf("%+v", got)
	}
}
