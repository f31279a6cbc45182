package doctor

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// What WeChat's page says about a callback, and what is no word about it.
func TestReadPage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status   int
		location string
		body     string
		want     pageVerdict
		row      string
	}{
		"calls back":            {302, "https://shop.example.com/_wechat/callback/x?code=y&state=z", "", pageAccepts, ""},
		"leads elsewhere":       {302, "https://open.weixin.qq.com/other?code=y", "", pageSilent, ""},
		"consent":               {200, "", "<button>拒绝</button><button>允许</button>", pageAccepts, ""},
		"snapshot":              {200, "", "使用完整服务", pageAccepts, ""},
		"a code to scan":        {200, "", `<img class="js_qrcode_img web_qrcode_img" src="/connect/qrcode/x">`, pageAccepts, ""},
		"wrong domain":          {200, "", "<p>10003</p><button>拒绝</button><button>允许</button>", pageRefuses, "callback-domain"},
		"wrong domain, website": {200, "", "<h4>redirect_uri 参数错误</h4>", pageRefuses, "callback-domain"},
		"scope":                 {200, "", "错误码：10005", pageRefuses, "scope"},
		"a number in a script":  {200, "", "<script>var v=100030,w=10003;</script>", pageSilent, ""},
		"open it in WeChat":     {200, "", "请在微信客户端打开链接", pageSilent, ""},
		"a proxy":               {502, "", "<p>10003</p>", pageSilent, ""},
		"nothing":               {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, row, _ := readPage(answer{c.status, http.Header{"Location": {c.location}}, c.body})
			if got != c.want || row != c.row {
				t.Errorf("%d %q, want %d %q", got, row, c.want, c.row)
			}
		})
	}
}

// Attack: a page of any bytes puts words of its own into the report.
func FuzzReadPage(f *testing.F) {
	f.Add(200, "<p>10003</p>", "")
	f.Add(302, "", "https://x/_wechat/callback?code=1")
	f.Fuzz(func(t *testing.T, status int, body, location string) {
		_, row, word := readPage(answer{status, http.Header{"Location": {location}}, body})
		if len(word) > 40 || strings.ContainsAny(word+row, "\n\x1b<>") {
			t.Errorf("%q %q", row, word)
		}
	})
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for caddy, want := range map[string]Status{"v2.11.9": Pass, "v2.12.0": Pass, "v3.0.0": Pass, "v2.11.8": Failure, "v2.9.99": Failure, "unknown": Unknown, "": Unknown, "v2.11.9-0.20260101000000-abc": Pass} {
		v := &visit{Setup: &Setup{Caddy: caddy}}
		v.versions(t.Context())
		if got := v.found[0].Status; got != want {
			t.Errorf("%q: %s, want %s", caddy, got, want)
		}
	}
	if got := named("v1\x1b[2J"); got != "?" {
		t.Errorf("control characters: %q", got)
	}
}

// The server that runs and this program are compared, except two builds that
// know no version: they may be one program, compiled on two machines.
func TestSameVersion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		running, own string
		differ       bool
	}{
		"the same":           {"v1.2.3", "v1.2.3", false},
		"another":            {"v1.2.2", "v1.2.3", true},
		"an unversioned one": {"build-0a1b2c3d4e5f", "v1.2.3", true},
		"both unversioned":   {"build-0a1b2c3d4e5f", "build-5f4e3d2c1b0a", false},
		"an older one":       {"", "build-5f4e3d2c1b0a", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &visit{Setup: &Setup{Version: c.own, Caddy: "v2.11.9"}}
			v.sameVersion(Running{Version: c.running, Caddy: "v2.11.9"})
			if got := len(v.found) == 1 && v.found[0].Status == Warning; got != c.differ || len(v.found) > 1 {
				t.Errorf("found %+v, want a warning: %t", v.found, c.differ)
			}
		})
	}
}

// A leaked secret may still be in use while doctor and server see the same: the
// credential of systemd that the service was started with.
func TestRunningSecretsOfCredentials(t *testing.T) {
	t.Parallel()
	for apps, want := range map[string]string{
		`{"app_secret":"{file./run/credentials/wechat-gateway.service/wechat-app-secret}"}`: "they are those of the files and variables; LoadCredential gives those of the service's last start: restart it if you have changed one since",
		`{"app_secret":"{file./etc/caddy/secrets/wechat-app-secret}"}`:                      "they are those of the files and variables",
	} {
		same := map[string]string{"app_secret main": "1f2e3d4c"}
		v := &visit{Setup: &Setup{Apps: []byte(apps), Fingerprints: same}, running: &Running{Fingerprints: same}}
		v.sameSecrets()
		if len(v.found) != 1 || v.found[0].Status != Pass || v.found[0].Says.English != want {
			t.Errorf("%s: %+v", apps, v.found)
		}
	}
}

// Redis by what it says about itself; real ones are asked in package test.
func TestJudgeRedis(t *testing.T) {
	t.Parallel()
	well := redisInfo{version: "7.0.15", appendOnly: "1", policy: "noeviction"}
	for name, c := range map[string]struct {
		info redisInfo
		err  error
		want map[string]Status
	}{
		"well":         {well, nil, map[string]Status{"redis version": Pass, "redis persistence": Pass, "redis eviction": Pass}},
		"old":          {redisInfo{version: "6.0.16", appendOnly: "1", policy: "noeviction"}, nil, map[string]Status{"redis version": Failure}},
		"silent":       {redisInfo{}, nil, map[string]Status{"redis version": Unknown, "redis persistence": Unknown, "redis eviction": Unknown}},
		"no INFO":      {redisInfo{}, errors.New("NOPERM"), map[string]Status{"redis version": Unknown}},
		"hidden saves": {redisInfo{version: "7.0.0", appendOnly: "0", policy: "noeviction"}, nil, map[string]Status{"redis persistence": Unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, v := range judgeRedis(c.info, c.err) {
				if want, ok := c.want[v.check]; ok && v.status != want {
					t.Errorf("%s: %s, want %s", v.check, v.status, want)
				}
			}
		})
	}
}

func TestParseLimit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"max\n": 0, "134217728\n": 128 << 20, "9223372036854771712\n": 0, "": 0, "-1": 0} {
		if got := parseLimit(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// The gateway's own code opens what the doctor seals.
func TestSealedPushOpens(t *testing.T) {
	t.Parallel()
	token, key := wechat.NewSecret("token"), wechat.NewSecret("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")
	account := Account{Account: wechat.Account{Credentials: wechat.Credentials{AppID: "wx1234567890abcdef"}}}
	sealed, err := sealPush(key, account.Credentials.AppID, emptyEvent(account, "1"))
	if err != nil {
		t.Fatal(err)
	}
	query, err := wechat.ParsePushQuery(url.Values{
		"timestamp": {"1"}, "nonce": {"n"}, "signature": {wechat.PushSignature(token, "1", "n")}, "msg_signature": {wechat.PushSignature(token, "1", "n", sealed)},
	}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	keys := wechat.PushKeys{AppID: account.Credentials.AppID, Tokens: []wechat.Secret{token}, AESKeys: []wechat.Secret{key}}
	message, err := keys.Open(query, []byte("<xml><Encrypt><![CDATA["+sealed+"]]></Encrypt></xml>"))
	if err != nil || !message.AboutAccount() || message.Person() != "" {
		t.Errorf("%+v %v", message, err)
	}
	if _, err := sealPush(wechat.NewSecret("short"), "wx", "m"); err == nil {
		t.Error("a short key seals")
	}
}

// Attack: a server repeats a secret in its answer. No form of the report has
// it.
func TestReportHidesSecrets(t *testing.T) {
	t.Parallel()
	const secret = "s3cret-of-the-account"
	s := &Setup{Problem: errors.New("not understood: " + secret), Secrets: []string{secret, ""}, Caddy: "v2.11.9"}
	report := s.Examine(t.Context())
	for _, language := range []string{"zh", "en"} {
		var text, object strings.Builder
		if err := errors.Join(report.WriteText(&text, language), report.WriteJSON(&object, language)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text.String()+object.String(), secret) || !strings.Contains(text.String(), "…") || !json.Valid([]byte(object.String())) {
			t.Errorf("%s%s", &text, &object)
		}
	}
	if report.Worst() != Failure || report.Worst().ExitCode() != 1 || Pass.ExitCode() != 0 || Warning.ExitCode() != 2 || Unknown.ExitCode() != 2 {
		t.Errorf("worst %s", report.Worst())
	}
}

// TLS ends in front and the site has no origin: WeChat is given http, and the
// doctor, who asks as visitors do, sees it.
func TestOriginBehindTLS(t *testing.T) {
	t.Parallel()
	var site *httptest.Server
	site = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_wechat/session" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"code":401}`)
			return
		}
		back := "http" + strings.TrimPrefix(site.URL, "https") + "/_wechat/callback/x"
		http.Redirect(w, r, "https://open.weixin.qq.com/connect/oauth2/authorize?redirect_uri="+url.QueryEscape(back), http.StatusFound)
	}))
	defer site.Close()
	roots := x509.NewCertPool()
	roots.AddCert(site.Certificate())
	s := &Setup{Caddy: "v2.11.9", RootCAs: roots, Sites: []Site{{Origin: site.URL, Name: site.URL, Guarded: true, Proxies: true, Behind: true, Trusts: true}}}
	finds := func(advice string) bool {
		return slices.ContainsFunc(s.Examine(t.Context()).Findings, func(f Finding) bool { return f.Advice == advice && f.Status == Failure })
	}
	if !finds("origin") {
		t.Error("the http callback is not seen")
	}
	s.RootCAs = x509.NewCertPool()
	if !finds("site-unreachable") {
		t.Error("the unknown authority is not seen")
	}
}

// A clock that is a minute off is a warning.
func TestClockSentence(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat))
	}))
	defer server.Close()
	s := &Setup{WeChat: &wechat.Client{APIURL: server.URL}}
	v := &visit{Setup: s, wechat: s.browser(nil)}
	defer v.wechat.CloseIdleConnections()
	v.clock(t.Context())
	if f := v.found[0]; f.Status != Warning || f.Advice != "clock" || !strings.Contains(f.Says.English, "ahead of") || !strings.Contains(f.Says.Chinese, "快") {
		t.Errorf("%+v", f)
	}
}

// docs/doctor.md and docs/doctor.zh-CN.md show what the doctor prints.
func TestDocumentedOutput(t *testing.T) {
	t.Parallel()
	v := &visit{Setup: &Setup{Accounts: make([]Account, 1), Sites: make([]Site, 1)}}
	v.configuration(t.Context())
	status, row, says := refusal(&wechat.Error{Code: 40164, Address: "203.0.113.7"})
	v.found = v.found[:1]
	v.find("secret", "main", status, row, says)
	for _, name := range []string{"doctor.md", "doctor.zh-CN.md"} {
		document, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, language := range []string{"zh", "en"} {
			t.Run(name+" "+language, func(t *testing.T) {
				t.Parallel()
				var out strings.Builder
				if err := (Report{v.found}).WriteText(&out, language); err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(string(document), "```\n"+out.String()+"```\n") {
					t.Errorf("it does not show:\n%s", &out)
				}
			})
		}
	}
}

// Both documents name every check of the code. Those of Redis share a row.
func TestDocumentedChecks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checks := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`v\.(?:pass|find)\("([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
			checks[m[1]] = true
		}
	}
	if len(checks) < 20 {
		t.Fatalf("only %d checks were found in the code", len(checks))
	}
	for _, name := range []string{"doctor.md", "doctor.zh-CN.md"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document, err := os.ReadFile("../../docs/" + name)
			if err != nil {
				t.Fatal(err)
			}
			for check := range checks {
				if strings.HasPrefix(check, "redis") {
					check = "redis …"
				}
				if !regexp.MustCompile("(?m)^\\| .*`" + regexp.QuoteMeta(check) + "`.* \\| .+ \\|$").Match(document) {
					t.Errorf("no row names the check `%s`", check)
				}
			}
		})
	}
}
