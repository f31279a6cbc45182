package test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	gateway "github.com/caddy-wechat/gateway"
	_ "github.com/caddy-wechat/gateway/caddymodule"
	"github.com/caddy-wechat/gateway/internal/caddytest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

const (
	appID     = "wx1234567890abcdef"
	appSecret = "5ecret5ecret5ecret5ecret5ecret00"

	phoneUA   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003226) NetType/WIFI Language/zh_CN"
	androidUA = "Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.0.0 XWEB/1300289 MMWEBSDK/20240802 Mobile Safari/537.36 MicroMessenger/8.0.50.2701(0x28003253) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN ABI/arm64"
	desktopUA = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)

// world is a simulated WeChat, an app, and Caddy with the gateway between.
type world struct {
	t      *testing.T
	wechat *wechattest.Server
	sim    *httptest.Server
	app    *app
	folder string // storage, ledger and log
	port   string
	site   string // http://127.0.0.1:port
}

// newWorld starts the simulator and the app. Caddy starts with load.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, folder: t.TempDir(), port: freePort(t)}
	w.site = "http://127.0.0.1:" + w.port
	w.wechat = wechattest.New(wechattest.Config{
		Accounts: []wechattest.Account{{AppID: appID, Secret: appSecret, Name: "测试商店", CallbackDomains: []string{"*"}, Platform: "open"}},
		Persons: []wechattest.Person{
			{ID: "ming", Nickname: "小明", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/ming/132"},
			{ID: "hong", Nickname: "小红 🌸", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/hong/132"},
		},
	})
	w.wechat.SetPhone("ming")
	w.sim = httptest.NewServer(w.wechat)
	w.app = newApp()
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
		w.sim.Close()
		w.wechat.Close()
		w.app.Close()
	})
	t.Setenv("WECHAT_APP_ID", appID)
	t.Setenv("WECHAT_APP_SECRET", appSecret)
	return w
}

// options are the pieces of a Caddyfile that a test chooses.
type options struct {
	admin   string // the admin endpoint's address; default: off
	account string // inside the official account
	global  string // inside the wechat block
	server  string // other global options
	site    string // the site's address; default: plain http on the world's port
	auth    string // inside wechat_auth
	before  string // other directives of the site
	proxy   string // default: reverse_proxy to the app
}

// caddyfile writes a configuration that keeps everything in the world's folder.
func (w *world) caddyfile(o options) string {
	if o.site == "" {
		o.site = "http://127.0.0.1:" + w.port
	}
	if o.admin == "" {
		o.admin = "off"
	}
	if o.proxy == "" {
		o.proxy = "reverse_proxy " + w.app.address()
	}
	return fmt.Sprintf(`{
	admin %[9]s
	persist_config off
	skip_install_trust
	default_bind 127.0.0.1
	storage file_system %[1]s/storage
	log default {
		level DEBUG
		output file %[1]s/caddy.log
	}
	%[2]s
	wechat {
		official_account {
			app_id {env.WECHAT_APP_ID}
			app_secret {env.WECHAT_APP_SECRET}
			%[10]s
		}
		store local %[1]s/ledger
		open_url %[3]s
		api_url %[3]s
		%[4]s
	}
}

%[5]s {
	%[6]s
	wechat_auth {
		%[7]s
	}
	%[8]s
}
`, w.folder, o.server, w.sim.URL, o.global, o.site, o.before, o.auth, o.proxy, o.admin, o.account)
}

// load runs a Caddyfile, in the place of the one before.
func (w *world) load(caddyfile string) {
	w.t.Helper()
	if err := w.tryLoad(caddyfile); err != nil {
		w.t.Fatalf("loading:\n%s\n%v", caddyfile, err)
	}
	caddytest.Settle(w.t)
}

func (w *world) tryLoad(caddyfile string) error {
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	return caddy.Load(adapted, true)
}

// log returns all that Caddy has logged.
func (w *world) log() string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.folder, "caddy.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// app is what stands behind the gateway; it remembers what it received.
type app struct {
	*httptest.Server
	mu       sync.Mutex
	received []received
	handler  http.HandlerFunc // answers; default: 200 "app"
}

type received struct {
	method, uri string
	header      http.Header
	trailer     http.Header
	body        string
}

func newApp() *app {
	a := new(app)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body strings.Builder
		buffer := make([]byte, 4096)
		for {
			n, err := r.Body.Read(buffer)
			body.Write(buffer[:n])
			if err != nil {
				break
			}
		}
		a.mu.Lock()
		a.received = append(a.received, received{r.Method, r.RequestURI, r.Header.Clone(), r.Trailer.Clone(), body.String()})
		handler := a.handler
		a.mu.Unlock()
		if handler != nil {
			handler(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<title>app</title>app: %s", r.RequestURI)
	}))
	return a
}

func (a *app) address() string { return strings.TrimPrefix(a.URL, "http://") }

func (a *app) answer(h http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.handler = h
}

// take returns what was received since the last take.
func (a *app) take() []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.received
	a.received = nil
	return taken
}

// one returns the only request received since the last take.
func (a *app) one(t *testing.T) received {
	t.Helper()
	all := a.take()
	if len(all) != 1 {
		t.Fatalf("the app received %d requests, want 1", len(all))
	}
	return all[0]
}

// visitor is a browser: cookies, a User-Agent, redirects followed by hand.
type visitor struct {
	t      *testing.T
	client *http.Client
	header http.Header
	hops   []string // addresses of the last navigation
}

func (w *world) visitor(personID string) *visitor {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	simURL, err := url.Parse(w.sim.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	jar.SetCookies(simURL, []*http.Cookie{w.wechat.PhoneCookie(personID)})
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	w.t.Cleanup(transport.CloseIdleConnections)
	return &visitor{
		t: w.t,
		client: &http.Client{
			Jar: jar, Transport: transport, Timeout: 30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		header: http.Header{"User-Agent": {phoneUA}, "Accept": {"text/html,application/xhtml+xml,*/*;q=0.8"}, "Accept-Language": {"zh-CN"}},
	}
}

// answer is a response whose body has been read.
type answer struct {
	*http.Response
	body string
	url  string
}

// send sends one request and follows nothing.
func (v *visitor) send(method, address, body string, header http.Header) answer {
	v.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	for _, h := range []http.Header{v.header, header} {
		for name, values := range h {
			if request.Header[name] = values; values == nil {
				delete(request.Header, name)
			}
		}
	}
	response, err := v.client.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	var b strings.Builder
	buffer := make([]byte, 8192)
	for {
		n, err := response.Body.Read(buffer)
		b.Write(buffer[:n])
		if err != nil {
			break
		}
	}
	return answer{response, b.String(), address}
}

// open navigates: it follows redirects and returns the last answer.
func (v *visitor) open(address string) answer {
	v.t.Helper()
	v.hops = nil
	for range 20 {
		v.hops = append(v.hops, address)
		a := v.send(http.MethodGet, address, "", nil)
		next, err := a.Location()
		if err != nil {
			return a
		}
		next.Fragment = ""
		address = next.String()
	}
	v.t.Fatalf("redirected for ever: %v", v.hops)
	return answer{}
}

// signIn opens an address, consents where asked, and returns the last answer.
func (v *visitor) signIn(address string) answer {
	v.t.Helper()
	a := v.open(address)
	if link := attribute(a.body, `href="(/_wechat/login[^"]*)"`); link != "" {
		a = v.open(resolve(v.t, a.url, link))
	}
	if strings.Contains(a.body, "允许") && !strings.Contains(a.body, "<title>app</title>") {
		a = v.allow(a)
	}
	return a
}

// freePort returns a port of loopback where nobody listens. It is below those
// that the kernel gives to connections and to listeners of any port: somebody
// else could have it before Caddy does.
func freePort(t *testing.T) string {
	t.Helper()
	port, err := findPort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// givenPorts are not given again: Caddy listens on a port that another Caddy,
// or its own admin endpoint, has already, and then each gets some of the
// requests.
var givenPorts = struct {
	sync.Mutex
	all map[string]bool
}{all: map[string]bool{}}

func findPort() (string, error) {
	givenPorts.Lock()
	defer givenPorts.Unlock()
	var err error
	for range 1000 {
		port := strconv.Itoa(7000 + rand.N(3000))
		if givenPorts.all[port] {
			continue
		}
		givenPorts.all[port] = true
		var listener net.Listener
		if listener, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return port, listener.Close()
		}
	}
	return "", fmt.Errorf("no free port: %w", err)
}

func TestPortsAreGivenOnce(t *testing.T) {
	t.Parallel()
	given := map[string]bool{}
	for range 300 {
		port := freePort(t)
		if given[port] {
			t.Fatalf("%s is given twice", port)
		}
		given[port] = true
	}
}

// stop ends Caddy as a restart would.
func (w *world) stop() {
	w.t.Helper()
	if err := caddy.Stop(); err != nil {
		w.t.Fatal(err)
	}
}

// cookie returns the value of a cookie that the visitor holds for an address.
// The address's port ends the names of ours.
func (v *visitor) cookie(address, name string) string {
	v.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		v.t.Fatal(err)
	}
	if u.Port() != "" && strings.Contains(name, "wechat") {
		name += "-" + u.Port()
	}
	for _, cookie := range v.client.Jar.Cookies(u) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	v.t.Fatalf("no cookie %s for %s", name, address)
	return ""
}

// exampleLogFilter is the filter of Caddyfile.example, which must hide what the
// access log would show.
func (w *world) exampleLogFilter() string {
	w.t.Helper()
	_, rest, ok := strings.Cut(string(gateway.Example), "(wechat_log_filter) {")
	filter, _, ok2 := strings.Cut(rest, "\n}\n")
	if !ok || !ok2 {
		w.t.Fatal("Caddyfile.example has no log filter")
	}
	return filter
}

// quirks sets what is odd about WeChat from now on.
func (w *world) quirks(q wechattest.Quirks) {
	w.t.Helper()
	if err := w.wechat.SetQuirks(q); err != nil {
		w.t.Fatal(err)
	}
}
