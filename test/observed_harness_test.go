//go:build fleet

package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// observed is what Prometheus looks at: a shop with two gateways on one Redis
// and a crowd of visitors, and a workshop with one gateway, where one account
// for each fault waits for it. WeChat is simulated; each fault is planted in
// one place and taken away again.
type observed struct {
	t        *testing.T
	wechat   *wechattest.Server
	front    *httptest.Server // in front of the simulated WeChat, with the faults
	app      *httptest.Server
	relay    *httptest.Server
	crm      *eventReceiver
	relays   atomic.Int64 // the status that the relay answers
	shop     *redistest.Server
	workshop *redistest.Server
	gateways map[string]*observedGateway

	mu     sync.Mutex
	faults map[string]http.HandlerFunc // by app id and path
}

// App ids of the accounts, by their names in the Caddyfiles. The workshop has
// mini programs for most faults: their clients need no browser.
var observedApps = map[string]string{
	"main": appID, "club": clubAppID, "mini": miniAppID,
	"lost": "wx00000000000000d1", "secret": "wx00000000000000d2", "quota": "wx00000000000000d3",
	"slow": "wx00000000000000d4", "flood": "wx00000000000000d5", "ip": "wx00000000000000d6",
}

const (
	observedSecret  = "0b5e0b5e0b5e0b5e0b5e0b5e0b5e0b5e"
	observedPersons = 400
	workshopSite    = "http://workshop.test"
)

func observedPerson(n int) string { return fmt.Sprintf("person%03d", n) }

func newObserved(t *testing.T) *observed {
	t.Helper()
	o := &observed{t: t, gateways: map[string]*observedGateway{}, faults: map[string]http.HandlerFunc{}}
	config := wechattest.Config{}
	for name, id := range observedApps {
		a := wechattest.Account{AppID: id, Secret: observedSecret, Name: name, Platform: "open"}
		if name == "main" || name == "club" || name == "lost" {
			a.CallbackDomains = []string{"*"}
		} else {
			a.Kind = wechattest.MiniProgram
		}
		config.Accounts = append(config.Accounts, a)
	}
	for n := range observedPersons {
		// Followers consent silently: no page has to be tapped.
		config.Persons = append(config.Persons, wechattest.Person{ID: observedPerson(n), Nickname: "某人", Follows: []string{appID, clubAppID, observedApps["lost"]}})
	}
	o.wechat = wechattest.New(config)
	o.front = httptest.NewServer(http.HandlerFunc(o.answer))
	o.app = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "app") }))
	o.relays.Store(http.StatusOK)
	o.relay = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(o.relays.Load())) }))
	o.crm = newEventReceiver()
	o.shop, o.workshop = redistest.Standalone(t, redistest.Options{}), redistest.Standalone(t, redistest.Options{})
	t.Cleanup(func() {
		o.liftAll()
		o.front.Close()
		o.wechat.Close()
		for _, s := range []*httptest.Server{o.app, o.relay, o.crm.Server} {
			s.Close()
		}
	})
	return o
}

// eventReceiver is a business system. It answers every webhook with its status.
type eventReceiver struct {
	*httptest.Server
	status atomic.Int64
}

func newEventReceiver() *eventReceiver {
	r := new(eventReceiver)
	r.status.Store(http.StatusNoContent)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body) // read, so that the connection is used again
		w.WriteHeader(int(r.status.Load()))
	}))
	return r
}

// answer is WeChat: the planted fault of this app id and path, or the
// simulator.
func (o *observed) answer(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("appid")
	if strings.HasPrefix(r.URL.Path, "/cgi-bin/stable_token") {
		body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
		var asked struct{ AppID string }
		if err != nil || json.Unmarshal(body, &asked) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		id, r.Body = asked.AppID, io.NopCloser(strings.NewReader(string(body)))
	}
	o.mu.Lock()
	fault := o.faults[id+r.URL.Path]
	o.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	o.wechat.ServeHTTP(w, r)
}

// Paths of WeChat's, where faults are planted.
const (
	atAuthorize = "/connect/oauth2/authorize"
	atExchange  = "/sns/oauth2/access_token"
	atLogin     = "/sns/jscode2session"
	atToken     = "/cgi-bin/stable_token"
)

// plant replaces WeChat's answer to one account at one path.
func (o *observed) plant(account, path string, fault http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faults[observedApps[account]+path] = fault
}

func (o *observed) liftAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.faults)
}

// errcode answers as WeChat does that refuses.
func errcode(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"errcode":%d,"errmsg":"planted rid: 1"}`, code)
	}
}

// errorPage answers with a page that leads nowhere, as WeChat does for a wrong
// callback domain.
func errorPage(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "<title>redirect_uri 参数错误</title>")
}

func badGateway(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }

// slowly answers as WeChat would, but late.
func (o *observed) slowly(by time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(by):
			o.wechat.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}
}

// observedGateway is one gateway, in a process of its own.
type observedGateway struct {
	o                            *observed
	job, name, folder, caddyfile string
	site, second, admin, numbers string // addresses; the metrics are at numbers
	run                          *program
	ran                          bool
}

// add prepares a gateway.
func (o *observed) add(job, name string) *observedGateway {
	g := &observedGateway{o: o, job: job, name: name, folder: o.t.TempDir()}
	for _, address := range []*string{&g.site, &g.second, &g.admin, &g.numbers} {
		*address = "127.0.0.1:" + freePort(o.t)
	}
	o.gateways[name] = g
	return g
}

const observedGlobal = `	admin %s
	persist_config off
	skip_install_trust
	auto_https off
	default_bind 127.0.0.1
	grace_period 1s
	storage file_system %s/storage
	servers {
		trusted_proxies static 127.0.0.1/32
	}
`

// observedAccount is the block of an account.
func observedAccount(kind, name, more string) string {
	return fmt.Sprintf("\t\t%s %s {\n\t\t\tapp_id %s\n\t\t\tapp_secret {env.OBSERVED_SECRET}\n\t\t\t%s\n\t\t}\n", kind, name, observedApps[name], more)
}

// ofShop has its metrics on a site of their own, as docs/deploy/README.md says.
func (g *observedGateway) ofShop() *observedGateway {
	o := g.o
	g.caddyfile = "{\n" + fmt.Sprintf(observedGlobal, g.admin, g.folder) + "\twechat {\n" +
		observedAccount("official_account", "main", pushAccount+"\n\t\t\tpush_relay "+o.relay.URL) +
		observedAccount("official_account", "club", "push_token "+pushToken) +
		observedAccount("mini_program", "mini", "") +
		"\t\tstore redis " + o.shop.URL() + "\n" +
		"\t\tsession {\n\t\t\tkey {env.FLEET_KEY}\n\t\t}\n" +
		"\t\t" + webhookTo(o.crm.URL) + "\n" +
		fmt.Sprintf("\t\topen_url %s\n\t\tapi_url %[1]s\n\t}\n}\n", o.front.URL) + fmt.Sprintf(`
http://:%s {
	wechat_auth {
		account main mini
		origin %s
		consent redirect
	}
	reverse_proxy %s
}

http://:%s {
	wechat_auth {
		account club
		origin %s
		scope snsapi_base
	}
	reverse_proxy %[3]s
}

http://:%[6]s {
	@prometheus {
		path /metrics
		remote_ip 127.0.0.1
	}
	handle @prometheus {
		metrics
	}
	handle {
		respond 404
	}
}
`, port(g.site), shopSite, strings.TrimPrefix(o.app.URL, "http://"), port(g.second), clubSite, port(g.numbers))
	return g
}

// ofWorkshop generates its session keys. Its metrics are on the admin endpoint.
func (g *observedGateway) ofWorkshop() *observedGateway {
	o := g.o
	g.numbers = g.admin
	var minis strings.Builder
	for _, name := range []string{"secret", "quota", "slow", "flood", "ip"} {
		minis.WriteString(observedAccount("mini_program", name, ""))
	}
	g.caddyfile = "{\n" + fmt.Sprintf(observedGlobal, g.admin, g.folder) + "\twechat {\n" +
		observedAccount("official_account", "lost", pushAccount) + minis.String() +
		"\t\tstore redis " + o.workshop.URL() + "\n" +
		fmt.Sprintf("\t\topen_url %s\n\t\tapi_url %[1]s\n\t}\n}\n", o.front.URL) + fmt.Sprintf(`
http://:%s {
	wechat_auth {
		account lost secret quota slow flood ip
		origin %s
		scope snsapi_base
		header phone on
	}
	reverse_proxy %s
}
`, port(g.site), workshopSite, strings.TrimPrefix(o.app.URL, "http://"))
	return g
}

// start runs the gateway and returns when it answers.
func (g *observedGateway) start() {
	t := g.o.t
	t.Helper()
	binary, err := gatewayBinary()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(g.folder, "Caddyfile")
	if err := os.WriteFile(file, []byte(g.caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, "run", "--config", file, "--adapter", "caddyfile")
	command.Dir = g.folder
	command.Env = append(os.Environ(), "HOME="+g.folder, "XDG_DATA_HOME="+g.folder, "XDG_CONFIG_HOME="+g.folder,
		"OBSERVED_SECRET="+observedSecret, "FLEET_KEY="+fleetKeys["FLEET_KEY"])
	run, err := start(command)
	if err != nil {
		t.Fatal(err)
	}
	g.run = run
	if !g.ran {
		g.ran = true
		t.Cleanup(func() {
			g.run.stop()
			if t.Failed() {
				t.Logf("what gateway %s said, by number:\n%s", g.name, digest(g.run.output.String()))
			}
		})
	}
	if err := run.until(30*time.Second, g.answers); err != nil {
		t.Fatal(err)
	}
}

func (g *observedGateway) answers() bool {
	connection, err := net.Dial("tcp", g.site)
	if err == nil {
		_ = connection.Close()
	}
	return err == nil
}

// metrics is what the gateway tells Prometheus.
func (g *observedGateway) metrics() string {
	g.o.t.Helper()
	status, body := outside(g.o.t, http.MethodGet, "http://"+g.numbers+"/metrics", "")
	if status != http.StatusOK {
		g.o.t.Fatalf("%s: /metrics: %d %s", g.name, status, body)
	}
	return body
}

// spreader sends each request to one of the gateways, and to another one if
// that is down.
type spreader struct {
	o        *observed
	gateways []*http.Transport
}

func (o *observed) balance(names ...string) *spreader {
	b := &spreader{o: o}
	for first := range names {
		transport := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			var failures []error
			for i := range names {
				connection, err := new(net.Dialer).DialContext(ctx, network, o.gateways[names[(first+i)%len(names)]].of(address))
				if err == nil {
					return connection, nil
				}
				failures = append(failures, err)
			}
			return nil, errors.Join(failures...)
		}}
		o.t.Cleanup(transport.CloseIdleConnections)
		b.gateways = append(b.gateways, transport)
	}
	return b
}

// of is where the gateway listens for a host of the test.
func (g *observedGateway) of(address string) string {
	switch host, _, _ := strings.Cut(address, ":"); host {
	case "shop.test", "workshop.test":
		return g.site
	case "club.test":
		return g.second
	}
	return address
}

// RoundTrip implements http.RoundTripper.
func (b *spreader) RoundTrip(r *http.Request) (*http.Response, error) {
	return b.gateways[rand.N(len(b.gateways))].RoundTrip(r) //nolint:wrapcheck // as http.Client wants it
}

// guestOf is somebody's phone, with an address of its own. Its errors are its
// own matter: half of the time something is broken on purpose.
type guestOf struct {
	client  *http.Client
	address string
}

func (b *spreader) guest(person string, keepsCookies bool) guestOf {
	o := b.o
	g := guestOf{
		client:  &http.Client{Transport: b, Timeout: 20 * time.Second},
		address: fmt.Sprintf("10.%d.%d.%d", rand.N(250), rand.N(250), 1+rand.N(250)),
	}
	front, err := url.Parse(o.front.URL)
	if err != nil {
		panic(err) // of httptest
	}
	jar, _ := cookiejar.New(nil) // never fails
	jar.SetCookies(front, []*http.Cookie{o.wechat.PhoneCookie(person)})
	g.client.Jar = jar
	if !keepsCookies {
		g.client.Jar = onlyOf{jar, front.Host}
	}
	return g
}

// onlyOf keeps the cookies of one host alone.
type onlyOf struct {
	http.CookieJar
	host string
}

func (j onlyOf) SetCookies(u *url.URL, cookies []*http.Cookie) {
	if u.Host == j.host {
		j.CookieJar.SetCookies(u, cookies)
	}
}

// send sends a request and follows redirects, as browsers do.
func (g guestOf) send(ctx context.Context, method, address, body, token string) (status int, answer string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("User-Agent", phoneUA)
	request.Header.Set("X-Forwarded-For", g.address)
	request.Header.Set("Accept", "text/html,*/*;q=0.8")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Accept", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := g.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, string(text), err
}

// open opens a page, and signs in where that is asked.
func (g guestOf) open(ctx context.Context, address string) {
	_, _, _ = g.send(ctx, http.MethodGet, address, "", "") // see guestOf
}

// login signs a mini program in, and returns its token.
func (g guestOf) login(ctx context.Context, o *observed, site, account, person string) string {
	code := o.wechat.MiniProgramCode(person, observedApps[account])
	_, answer, _ := g.send(ctx, http.MethodPost, site+"/_wechat/mini-program/"+account+"/login", fmt.Sprintf(`{"code":%q}`, code), "") // see guestOf
	var said struct{ Token string }
	_ = json.Unmarshal([]byte(answer), &said) // no token then
	return said.Token
}

// crowd does something again and again, each time in a goroutine of its own,
// until it is called off or the test ends.
func (o *observed) crowd(every time.Duration, do func(ctx context.Context, turn int)) (off func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		for turn := 0; ctx.Err() == nil; turn++ {
			work.Go(func() { do(ctx, turn) })
			select {
			case <-ctx.Done():
			case <-time.After(every):
			}
		}
	})
	off = func() { cancel(); work.Wait() }
	o.t.Cleanup(off)
	return off
}
