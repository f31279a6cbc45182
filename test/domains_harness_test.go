package test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// The three names of docs/domains.md: two sites, and the host that WeChat calls
// back, on which no app runs.
const (
	authHost = "https://auth.test"
	shopHost = "https://shop.test"
	newsHost = "https://news.test"

	// withoutApp and withApp are what the callback host does beside
	// wechat_auth.
	withoutApp = `respond "nothing is here" 404`
	withApp    = "reverse_proxy {env.DOMAINS_APP}"

	domainsKey = "two gateways in front of two sites have one key"
)

// domains is a world with two gateway processes on one Redis, and a load
// balancer in front, where TLS ends. Each request may go to either of the two.
type domains struct {
	*world
	front    *httptest.Server
	gateways [2]*httputil.ReverseProxy

	mu     sync.Mutex
	choose func(r *http.Request) int // the gateway that a request goes to
	hold   bool                      // WeChat's callbacks stop at a page of the load balancer,
	free   string                    // but for this one
	passed []balanced                // since the last take
}

// balanced is a request at the load balancer, and what came back.
type balanced struct {
	url      string // as the browser has it
	gateway  int    // -1: held
	status   int
	location string
}

// newDomains starts all of it. auth is what the callback host does beside
// wechat_auth.
func newDomains(t *testing.T, auth string) *domains {
	t.Helper()
	binary, err := gatewayBinary()
	if err != nil {
		t.Fatal(err)
	}
	d := &domains{world: newWorld(t)}
	d.strict()
	redis := redistest.Standalone(t, redistest.Options{})
	for i := range d.gateways {
		target, err := url.Parse("http://127.0.0.1:" + d.startGateway(binary, redis.URL(), auth))
		if err != nil {
			t.Fatal(err)
		}
		d.gateways[i] = &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.Host = r.In.Host
				r.SetXForwarded()
			},
			ModifyResponse: func(r *http.Response) error {
				d.note(balanced{"https://" + r.Request.Host + r.Request.URL.RequestURI(), i, r.StatusCode, r.Header.Get("Location")})
				return nil
			},
		}
	}
	turn := 0
	d.choose = func(*http.Request) int { turn++; return turn % 2 }
	d.front = httptest.NewUnstartedServer(http.HandlerFunc(d.balance))
	d.front.StartTLS()
	t.Cleanup(d.front.Close)
	return d
}

// strict has WeChat call back one host only.
func (d *domains) strict() {
	d.t.Helper()
	strict := wechattest.New(wechattest.Config{
		Accounts: []wechattest.Account{{AppID: appID, Secret: appSecret, Name: "测试商店", CallbackDomains: []string{"auth.test"}, Platform: "open"}},
		Persons: []wechattest.Person{
			{ID: "ming", Nickname: "小明", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/ming/132"},
			{ID: "hong", Nickname: "小红", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/hong/132"},
		},
	})
	d.wechat, d.sim = strict, httptest.NewServer(strict)
	d.t.Cleanup(func() {
		d.sim.Close()
		strict.Close()
	})
}

// startGateway runs one gateway and returns its port.
func (d *domains) startGateway(binary, redis, auth string) string {
	d.t.Helper()
	port, folder := freePort(d.t), d.t.TempDir()
	file := filepath.Join(folder, "Caddyfile")
	caddyfile := fmt.Sprintf(`{
	admin off
	persist_config off
	auto_https off
	default_bind 127.0.0.1
	storage file_system %[1]s/storage
	servers {
		trusted_proxies static 127.0.0.1/32
	}
	wechat {
		official_account {
			app_id {env.WECHAT_APP_ID}
			app_secret {env.WECHAT_APP_SECRET}
		}
		store redis %[2]s
		session {
			key {env.WECHAT_SESSION_KEY}
		}
		callback_origin %[3]s
		open_url %[4]s
		api_url %[4]s
	}
}

http://auth.test:%[5]s {
	wechat_auth {
		origin %[3]s
		scope snsapi_base
	}
	%[6]s
}

http://shop.test:%[5]s {
	wechat_auth {
		origin https://shop.test
		scope snsapi_base
		scope snsapi_userinfo /account/*
	}
	reverse_proxy %[7]s
}

http://news.test:%[5]s {
	wechat_auth {
		origin https://news.test
		scope snsapi_base
	}
	reverse_proxy %[7]s
}

http://:%[5]s {
	respond 421
}
`, folder, redis, authHost, d.sim.URL, port, auth, d.app.address())
	if err := os.WriteFile(file, []byte(caddyfile), 0o600); err != nil {
		d.t.Fatal(err)
	}
	command := exec.Command(binary, "run", "--config", file, "--adapter", "caddyfile")
	command.Env = append(os.Environ(), "HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder, "WECHAT_SESSION_KEY="+domainsKey, "DOMAINS_APP="+d.app.address())
	run, err := start(command)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		run.stop()
		if d.t.Failed() {
			d.t.Logf("what the gateway on port %s said:\n%s", port, run.output)
		}
	})
	if err := run.until(time.Minute, func() bool {
		answer, err := http.Get("http://127.0.0.1:" + port)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusMisdirectedRequest
	}); err != nil {
		d.t.Fatal(err)
	}
	return port
}

// balance is the load balancer. Browsers ask for a picture of each page that
// they show; no test is about that.
func (d *domains) balance(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/favicon.ico" {
		http.NotFound(w, r)
		return
	}
	d.mu.Lock()
	address := "https://" + r.Host + r.RequestURI
	held := d.hold && address != d.free && strings.HasPrefix(address, authHost+"/_wechat/callback/at/")
	gateway := d.choose(r)
	d.mu.Unlock()
	if held {
		d.note(balanced{address, -1, http.StatusOK, ""})
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<title>held</title>held at the load balancer"))
		return
	}
	d.gateways[gateway].ServeHTTP(w, r)
}

func (d *domains) note(b balanced) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passed = append(d.passed, b)
}

// take returns what passed the load balancer since the last take.
func (d *domains) take() []balanced {
	d.mu.Lock()
	defer d.mu.Unlock()
	passed := d.passed
	d.passed = nil
	return passed
}

// holdCallbacks says whether WeChat's callbacks stop at the load balancer, but
// for one.
func (d *domains) holdCallbacks(hold bool, free string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold, d.free = hold, free
}

// through chooses the gateway of each request from now on.
func (d *domains) through(choose func(r *http.Request) int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.choose = choose
}

// phone is a fresh WeChat on a person's phone. Every name under .test leads to
// the load balancer.
func (d *domains) phone(personID string) *browser {
	d.t.Helper()
	pin := sha256.Sum256(d.front.Certificate().RawSubjectPublicKeyInfo)
	b := startChromium(d.t, map[string]string{
		"user-agent": androidUA, "window-size": "375,812",
		"host-resolver-rules":                 "MAP *.test " + d.front.Listener.Addr().String(),
		"ignore-certificate-errors-spki-list": base64.StdEncoding.EncodeToString(pin[:]),
	})
	b.world = d.world
	b.do(phoneScreen(), b.holds(personID))
	return b
}

// empty takes all cookies from a browser, as if it were a new one.
func (b *browser) empty(personID string) {
	b.t.Helper()
	b.do(chromedp.Navigate("about:blank"), network.ClearBrowserCookies(), b.holds(personID))
}

// begins begins a sign-in and stops where WeChat calls back. It returns that
// address, with code and state. The code is not spent.
func (d *domains) begins(b *browser, page string) string {
	b.t.Helper()
	d.holdCallbacks(true, "")
	defer d.holdCallbacks(false, "")
	b.open(page)
	b.sees("held at the load balancer")
	address, _, _ := strings.Cut(b.address(), "#")
	b.do(chromedp.Navigate("about:blank"))
	return address
}

// session is the value of the session's cookie that the browser has for a site.
func (b *browser) session(site string) string {
	b.t.Helper()
	cookies := b.cookies(site)
	if i := slices.IndexFunc(cookies, func(c *network.Cookie) bool { return c.Name == "__Host-wechat" }); i >= 0 {
		return cookies[i].Value
	}
	return ""
}
