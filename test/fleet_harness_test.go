//go:build fleet

package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// The public origins of the two sites. Who answers for them is chosen by the
// client's dialer, as a load balancer would.
const (
	shopSite = "http://shop.test"
	clubSite = "http://club.test"
)

const (
	clubAppID     = "wxfedcba0987654321"
	clubAppSecret = "0ther5ecret0ther5ecret0ther5ecre"
)

// The session keys of all instances, by the name of the variable they stand in.
var fleetKeys = map[string]string{
	"FLEET_KEY":     "a fleet has one key that all of its gateways know",
	"FLEET_KEY_NEW": "and after a rotation it has another one in front",
	"FLEET_KEY_3":   "a third one comes when renewals are going on, too",
}

// fleetBefore names the binary of a version before, which gateway A runs then:
// the fleet in the middle of a rolling upgrade.
const fleetBefore = "FLEET_BEFORE"

// fleet is a simulated WeChat, an app, and gateways in processes of their own
// between them.
type fleet struct {
	t      *testing.T
	binary string
	wechat *wechattest.Server
	sim    *httptest.Server
	app    *httptest.Server
	slow   latch // while it is closed, the app's answers to /slow and /bye wait
	hold   latch // while it is closed, WeChat's answers to exchanges of codes wait
	a, b   *gatewayProcess
	orders *postedOrders // what the app has carried out at /order
}

// fleetConfig is what differs between configurations of a gateway.
type fleetConfig struct {
	store   string   // the line or block
	keys    []string // names of variables; nil: FLEET_KEY; none: they are generated
	storage string   // Caddy's; default: the gateway's own
	session string   // more of the session block
	account string   // inside the shop's account
	global  string   // inside the wechat block
	auth    string   // inside the shop's wechat_auth
	server  string   // other global options
	persist bool     // keeps the running configuration, as Caddy does unless told otherwise
}

// silentBase lets people in silently below /base.
const silentBase = "scope snsapi_base /base/*"

func newFleet(t *testing.T) *fleet {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("redis-server is not there; run ./test/all.sh, or: apt-get install redis-server")
	}
	binary, err := gatewayBinary()
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, binary: binary, orders: new(postedOrders)}
	f.wechat = wechattest.New(wechattest.Config{
		Accounts: []wechattest.Account{
			{AppID: appID, Secret: appSecret, Name: "测试商店", CallbackDomains: []string{"*"}, Platform: "open"},
			{AppID: clubAppID, Secret: clubAppSecret, Name: "测试俱乐部", CallbackDomains: []string{"*"}, Platform: "open"},
		},
		Persons: []wechattest.Person{
			{ID: "ming", Nickname: "小明", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/ming/132"},
			{ID: "hong", Nickname: "小红 🌸", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/hong/132"},
		},
	})
	f.sim = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sns/oauth2/access_token" {
			f.hold.pass()
		}
		f.wechat.ServeHTTP(w, r)
	}))
	f.app = httptest.NewServer(http.HandlerFunc(f.answer))
	t.Cleanup(func() {
		f.slow.open()
		f.hold.open()
		f.sim.Close()
		f.wechat.Close()
		f.app.Close()
	})
	return f
}

// answer is the app: it says whom it takes the visitor for.
func (f *fleet) answer(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/slow":
		f.slow.pass()
	case "/bye":
		f.slow.pass()
		w.Header().Set("X-Wechat-Logout", "1")
	case "/order":
		id, _ := io.ReadAll(io.LimitReader(r.Body, 4096)) // cut off: it is no order
		f.orders.carryOut(string(id))
	case "/socket", "/events", "/download":
		longApp(w, r)
		return
	}
	told := map[string]string{"uri": r.RequestURI}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Wechat-") {
			told[name] = strings.Join(r.Header[name], "|")
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(told) // the visitor is gone
}

// latch lets everybody pass unless it is closed. The zero latch is open.
type latch struct {
	mu      sync.Mutex
	closed  chan struct{} // nil when open
	waiting atomic.Int64
}

func (l *latch) pass() {
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if closed != nil {
		l.waiting.Add(1)
		<-closed
		l.waiting.Add(-1)
	}
}

func (l *latch) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed == nil {
		l.closed = make(chan struct{})
	}
}

func (l *latch) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed != nil {
		close(l.closed)
		l.closed = nil
	}
}

// both starts two gateways with one configuration.
func (f *fleet) both(c fleetConfig) {
	f.t.Helper()
	f.a, f.b = f.prepare("A"), f.prepare("B")
	for _, g := range []*gatewayProcess{f.a, f.b} {
		g.start(c)
	}
}

// hear waits until both gateways hear of what the other one ends. Until then
// the staleness bound is all there is.
func (f *fleet) hear() {
	f.t.Helper()
	for _, g := range f.gateways() {
		f.await("the channel of "+g.name, func() bool { return strings.Contains(g.run.output.String(), "session channel works") })
	}
}

func (f *fleet) gateways() []*gatewayProcess { return []*gatewayProcess{f.a, f.b} }

// gatewayProcess is one gateway: the binary, run by itself.
type gatewayProcess struct {
	f                 *fleet
	name, folder      string
	binary            string
	shop, club, admin string // addresses
	run               *program
	transport         *http.Transport
	outside           *http.Client // for the admin endpoint
}

func (f *fleet) prepare(name string) *gatewayProcess {
	f.t.Helper()
	g := &gatewayProcess{f: f, name: name, folder: f.t.TempDir(), binary: f.binary}
	if before := os.Getenv(fleetBefore); before != "" && name == "A" {
		g.binary = before
	}
	for _, address := range []*string{&g.shop, &g.club, &g.admin} {
		*address = "127.0.0.1:" + freePort(f.t)
	}
	dialer := new(net.Dialer)
	g.transport = &http.Transport{
		MaxIdleConnsPerHost: 128,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			switch address {
			case "shop.test:80":
				address = g.shop
			case "club.test:80":
				address = g.club
			}
			return dialer.DialContext(ctx, network, address)
		},
	}
	g.outside = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	f.t.Cleanup(g.transport.CloseIdleConnections)
	return g
}

func (g *gatewayProcess) caddyfile(c fleetConfig) string {
	if c.keys == nil {
		c.keys = []string{"FLEET_KEY"}
	}
	if c.storage == "" {
		c.storage = filepath.Join(g.folder, "storage")
	}
	persist := "persist_config off"
	if c.persist {
		persist = ""
	}
	var keys strings.Builder
	for _, name := range c.keys {
		fmt.Fprintf(&keys, "key {env.%s}\n", name)
	}
	return fmt.Sprintf(`{
	admin %[1]s
	%[17]s
	skip_install_trust
	auto_https off
	default_bind 127.0.0.1
	storage file_system %[2]s
	%[16]s
	wechat {
		official_account shop {
			app_id {env.WECHAT_APP_ID}
			app_secret {env.WECHAT_APP_SECRET}
			%[14]s
		}
		official_account club {
			app_id %[3]s
			app_secret {env.CLUB_APP_SECRET}
		}
		store %[4]s
		session {
			%[5]s
			%[6]s
		}
		open_url %[7]s
		api_url %[7]s
		%[15]s
	}
}

http://:%[8]s {
	wechat_auth {
		origin %[9]s
		%[10]s
	}
	reverse_proxy %[11]s
}

http://:%[12]s {
	wechat_auth {
		account club
		origin %[13]s
	}
	reverse_proxy %[11]s
}
`, g.admin, c.storage, clubAppID, c.store, keys.String(), c.session, g.f.sim.URL,
		port(g.shop), shopSite, c.auth, strings.TrimPrefix(g.f.app.URL, "http://"), port(g.club), clubSite, c.account, c.global, c.server, persist)
}

func port(address string) string {
	_, p, _ := strings.Cut(address, ":")
	return p
}

// start runs the gateway and returns when it answers.
func (g *gatewayProcess) start(c fleetConfig) {
	g.f.t.Helper()
	file := filepath.Join(g.folder, "Caddyfile")
	if err := os.WriteFile(file, []byte(g.caddyfile(c)), 0o600); err != nil {
		g.f.t.Fatal(err)
	}
	g.begin("--config", file, "--adapter", "caddyfile")
}

// command is the gateway's binary with arguments, in its folder.
func (g *gatewayProcess) command(arguments ...string) *exec.Cmd {
	command := exec.Command(g.binary, arguments...)
	command.Dir = g.folder
	command.Env = append(os.Environ(), "HOME="+g.folder, "XDG_DATA_HOME="+g.folder, "XDG_CONFIG_HOME="+g.folder,
		"WECHAT_APP_ID="+appID, "WECHAT_APP_SECRET="+appSecret, "CLUB_APP_SECRET="+clubAppSecret, "MINI_SECRET="+doorSecrets["MINI_SECRET"])
	for name, value := range fleetKeys {
		command.Env = append(command.Env, name+"="+value)
	}
	return command
}

// begin runs the gateway with arguments of `run`, and returns when it answers.
func (g *gatewayProcess) begin(arguments ...string) {
	g.f.t.Helper()
	run, err := start(g.command(append([]string{"run"}, arguments...)...))
	if err != nil {
		g.f.t.Fatal(err)
	}
	g.run = run
	g.f.t.Cleanup(func() {
		run.stop()
		if g.f.t.Failed() {
			g.f.t.Logf("what gateway %s said, by number:\n%s", g.name, digest(run.output.String()))
		}
	})
	if err := run.until(30*time.Second, g.answers); err != nil {
		g.f.t.Fatal(err)
	}
}

// answers says whether the gateway serves, whatever its store does.
func (g *gatewayProcess) answers() bool {
	response, err := g.outside.Get("http://" + g.shop + "/_wechat/no-such-endpoint")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusNotFound
}

// reload gives the gateway another configuration, as `caddy reload` does.
func (g *gatewayProcess) reload(c fleetConfig) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
		"http://"+g.admin+"/load", bytes.NewReader([]byte(g.caddyfile(c))))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "text/caddyfile")
	response, err := g.outside.Do(request)
	if err != nil {
		return fmt.Errorf("reloading %s: %w", g.name, err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("reloading %s: %s %s: %w", g.name, response.Status, said, err)
	}
	return nil
}

// mustReload reloads both, one after the other.
func (f *fleet) mustReload(c fleetConfig) {
	f.t.Helper()
	for _, g := range f.gateways() {
		if err := g.reload(c); err != nil {
			f.t.Fatal(err)
		}
	}
}

// redisStore is the store's block for a backend. Passwords go into files.
func (f *fleet) redisStore(b redistest.Backend, o redistest.Options) string {
	f.t.Helper()
	address := regexp.MustCompile("//[^@/]*@").ReplaceAllString(b.URL(), "//")
	lines := []string{"redis " + address + " {"}
	if o.Username != "" {
		lines = append(lines, "username "+o.Username)
	}
	folder := f.t.TempDir()
	for word, password := range map[string]string{"password": o.Password, "sentinel_password": o.SentinelPassword} {
		if password == "" {
			continue
		}
		file := filepath.Join(folder, word)
		if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
			f.t.Fatal(err)
		}
		lines = append(lines, word+" {file."+file+"}")
	}
	if certs := b.Certs(); certs != nil {
		lines = append(lines, "ca "+certs.CAFile, "cert "+certs.CertFile, "key "+certs.KeyFile)
	}
	return strings.Join(append(lines, "}"), "\n")
}

// digest counts lines of a log that differ only in numbers and ids.
func digest(log string) string {
	count := map[string]int{}
	for line := range strings.Lines(log) {
		entry := struct{ Level, Logger, Msg, Error string }{}
		if json.Unmarshal([]byte(line), &entry) != nil {
			entry.Msg = line
		}
		key := strings.Join([]string{entry.Level, entry.Logger, entry.Msg, entry.Error}, " ")
		count[regexp.MustCompile(`[0-9]+`).ReplaceAllString(key, "N")]++
	}
	var all strings.Builder
	for _, key := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(&all, "%6d %s\n", count[key], strings.TrimSpace(key))
	}
	return all.String()
}
