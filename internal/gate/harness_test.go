package gate_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/caches"
	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/profile"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
	"github.com/caddy-wechat/gateway/session"
)

const (
	shop      = "https://shop.example.com"
	shopApp   = "wx0123456789abcdef"
	otherApp  = "wxfedcba9876543210"
	appSecret = "the-secret-of-the-shop-0123456789"
	ringKey   = "the-key-of-the-ring-the-key-of-the-ring-1"

	base     = "snsapi_base"
	userinfo = "snsapi_userinfo"

	exchangePath = "/sns/oauth2/access_token"
)

// town is one gateway with a site, the site's upstream, and WeChat.
type town struct {
	t        testing.TB
	behind   bool          // requests come from another proxy
	trusts   bool          // it is one of trusted_proxies
	from     func() string // the address of the visitor; nil is the connection's
	weChat   *weChat
	hub      *site.Hub
	gate     *gate.Gate
	store    *shakyStore
	ledger   *shakyLedger
	scrub    request.Scrub
	access   map[string]site.Access                        // by path; anything else is protected
	need     map[string]wechat.Scope                       // by path
	upstream http.HandlerFunc                              // nil is echo
	stream   http.HandlerFunc                              // in place of upstream: it writes to the visitor itself
	wrap     func(http.ResponseWriter) http.ResponseWriter // what stands around the server's writer; nil is nothing
	front    func(http.Header)                             // what stands in answers before the gate is asked; nil is nothing
	inside   bool                                          // requests do not leave the process, nor a synctest bubble
	plain    bool                                          // http, not https
	http2    bool
	instead  func(*http.Request) *town // who answers a request; nil is this one
	upkeep   *profile.Refresher        // nil unless kept
	last     *site.Request             // for streams that speak to the gate
	server   *httptest.Server
	log      logBook
	secrets  secretBook
	passed   atomic.Int32 // requests that reached the upstream
}

// weChat is the simulator as a server, with somebody on the line who may answer
// in its place.
type weChat struct {
	*wechattest.Server
	url  string
	mu   sync.Mutex
	hook http.HandlerFunc

	first map[string]func() // by path: what happens before the next answer
}

// before has something happen while WeChat is asked, once.
func (c *weChat) before(path string, do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first == nil {
		c.first = map[string]func(){}
	}
	c.first[path] = do
}

func (c *weChat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	hook, first := c.hook, c.first[r.URL.Path]
	delete(c.first, r.URL.Path)
	c.mu.Unlock()
	if first != nil {
		first()
	}
	if hook != nil && strings.HasPrefix(r.URL.Path, "/sns/") {
		hook(w, r)
		return
	}
	c.Server.ServeHTTP(w, r)
}

// answer lets WeChat's API answer this, whatever it is asked; "" lets the
// simulator answer again.
func (c *weChat) answer(body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hook = nil
	if body != "" {
		c.hook = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
	}
}

// newWeChat starts the simulator. It must stand outside of a synctest bubble.
func newWeChat(t testing.TB) *weChat {
	t.Helper()
	c := &weChat{Server: wechattest.New(wechattest.Config{
		Accounts: []wechattest.Account{
			{AppID: shopApp, Secret: appSecret, Name: "Shop", CallbackDomains: []string{"*"}, Platform: "platform"},
			{AppID: otherApp, Secret: "the-secret-of-another-account", Name: "Other", CallbackDomains: []string{"*"}, Platform: "platform"},
			{Kind: wechattest.MiniProgram, AppID: miniApp, Secret: miniSecret, Name: "Mini", Platform: "platform"},
			{Kind: wechattest.MiniProgram, AppID: otherMini, Secret: miniSecret, Name: "Other mini", Platform: "platform"},
			{Kind: wechattest.MobileApp, AppID: mobileApp, Secret: mobileSecret, Name: "App", Platform: "platform"},
			{Kind: wechattest.Website, AppID: siteApp, Secret: siteSecret, Name: "Web", CallbackDomains: []string{"shop.example.com"}, Platform: "platform"},
		},
		Persons: []wechattest.Person{
			{ID: "alice", Nickname: "小明 🐼", AvatarURL: "https://thirdwx.qlogo.cn/mmopen/alice/132"},
			{ID: "bob", Nickname: "小红", Follows: []string{shopApp}},
			{ID: "carol", Nickname: "阿强"},
		},
		AnyUserAgent: true,
	})}
	listening := httptest.NewServer(c)
	c.url = listening.URL
	t.Cleanup(func() {
		c.Close() // first: it ends answers that hang
		listening.Close()
	})
	return c
}

// newTown builds a gateway; each change is made before it opens.
func newTown(t testing.TB, changes ...func(*town)) *town {
	t.Helper()
	return newTownWith(t, newWeChat(t), changes...)
}

func newTownWith(t testing.TB, c *weChat, changes ...func(*town)) *town {
	t.Helper()
	ring, err := session.NewRing(ringKey)
	if err != nil {
		t.Fatal(err)
	}
	book, err := boltledger.Open(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &town{t: t, weChat: c, access: map[string]site.Access{}, need: map[string]wechat.Scope{}}
	w.ledger = &shakyLedger{Ledger: book}
	w.store = &shakyStore{Store: session.Sealed{Keys: ring, Tombstones: book}}
	w.hub = &site.Hub{
		WeChat: &wechat.Client{APIURL: c.url}, Ledger: w.ledger, Store: w.store, Ended: book.Ended, PersonEnded: book.PersonEnded, Banned: book.Banned,
		EndUnsaved: book.Unwritten, Unfinished: new(signout.Unfinished),
		Keys: ring, Memory: new(site.Memory), Live: new(live.List), Scans: new(scan.Board),
	}
	w.gate = &gate.Gate{Site: site.Site{
		Hub:     w.hub,
		Account: wechat.Account{Kind: wechat.OfficialAccount, Name: "main", Credentials: wechat.Credentials{AppID: shopApp, Secret: wechat.NewSecret(appSecret)}},
		Rules:   site.Rules{Scope: wechat.ScopeUserInfo, OutsideWeChat: site.OutsideQR},
		Logger:  slog.New(slog.NewJSONHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}}
	w.gate.Audit = audit.Log{Lines: w.gate.Logger.With("log", "audit")}
	for _, change := range changes {
		change(w)
	}
	w.scrub = request.NewScrub(w.gate.HeaderNames())
	if !w.inside {
		w.server = httptest.NewUnstartedServer(w)
		w.server.Config.ErrorLog = slog.NewLogLogger(w.gate.Logger.Handler(), slog.LevelError)
		w.server.EnableHTTP2 = w.http2
		w.server.StartTLS()
	}
	t.Cleanup(func() {
		if w.server != nil {
			w.server.Close()
		}
		w.hub.WeChat.CloseIdle()
		_ = w.hub.Live.Close()
		_ = w.hub.Unfinished.Close()
		if err := book.Close(); err != nil {
			t.Errorf("closing the ledger: %v", err)
		}
		w.checkLog()
	})
	return w
}

// reload makes the gate anew, as a new configuration does: what it kept in
// memory is gone.
func (w *town) reload() {
	w.hub.Memory = new(site.Memory)
	w.gate = &gate.Gate{Site: site.Site{Hub: w.hub, Account: w.gate.Account, OtherAccounts: w.gate.OtherAccounts, Origin: w.gate.Origin, Rules: w.gate.Rules, Logger: w.gate.Logger, Audit: w.gate.Audit}}
}

// scope sets what the site asks of its visitors.
func scope(s wechat.Scope) func(*town) { return func(w *town) { w.gate.Rules.Scope = s } }

// rules changes what the operator wants.
func rules(change func(*site.Rules)) func(*town) { return func(w *town) { change(&w.gate.Rules) } }

// ServeHTTP does what the server's handler does around the gate.
func (w *town) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if w.instead != nil {
		if other := w.instead(r); other != w {
			other.ServeHTTP(rw, r)
			return
		}
	}
	r = r.WithContext(r.Context()) // a copy, as any server in front makes one
	if w.front != nil {
		w.front(rw.Header())
	}
	w.scrub.Request(r)
	original := *r.URL
	q := &site.Request{Request: r, Original: &original, Access: w.access[original.Path], Need: w.need[original.Path], FromProxy: w.behind, Trusted: w.trusts}
	if w.from != nil {
		q.ClientIP = w.from()
	}
	if gate.IsEndpoint(&original) {
		w.gate.ServeEndpoint(rw, q)
		return
	}
	id, pass := w.gate.Serve(rw, q)
	if !pass {
		return
	}
	if id != nil {
		q.ApplyIdentity(r.Header)
	}
	w.gate.StripCookies(q)
	w.passed.Add(1)
	if w.wrap != nil {
		rw = w.wrap(rw)
	}
	r = w.gate.Watch(rw, q)
	defer q.Done()
	for _, cookie := range r.Cookies() {
		if ourCookie.MatchString(cookie.Name) {
			w.t.Errorf("the upstream of %s sees the cookie %s", original.Path, cookie.Name)
		}
	}
	if w.stream != nil {
		if r.URL.Path == "/bye" {
			w.last = q
		}
		w.gate.Renew(rw, q) // its headers follow at once
		w.stream(rw, r)
		return
	}
	answer := httptest.NewRecorder()
	if w.upstream != nil {
		w.upstream(answer, r)
	} else {
		echo(answer, r)
	}
	w.forward(rw, q, answer)
}

// forward hands the upstream's answer on, less the headers by which it speaks
// to the gate.
func (w *town) forward(rw http.ResponseWriter, q *site.Request, answer *httptest.ResponseRecorder) {
	h := answer.Header()
	require, logout := h.Get(gate.HeaderRequire), w.gate.LogoutAsked(q, h.Get(gate.HeaderLogout))
	h.Del(gate.HeaderRequire)
	h.Del(gate.HeaderLogout)
	for name, values := range h { // before the gate speaks, as in any server
		rw.Header()[name] = append(rw.Header()[name], values...)
	}
	if !logout {
		w.gate.Renew(rw, q)
	}
	caches.KeepFrom(rw.Header())
	if logout {
		w.gate.EndByUpstream(rw, q)
	}
	if require != "" && !logout {
		if instead := w.gate.Require(q, answer.Code, require); instead != nil {
			clear(rw.Header())
			instead(rw)
			return
		}
	}
	rw.Header().Set("X-Upstream", "1")
	rw.WriteHeader(answer.Code)
	_, _ = answer.Body.WriteTo(rw)
}

// ourCookie matches the names of our cookies, on any port.
var ourCookie = regexp.MustCompile(`^(__Host-|__Secure-)?wechat(-(flow|landed|asked|logout|leave|ticket|scan|proof|foreign|browser-[a-z0-9]{6}))?(-[0-9]{1,5})?$`)

// echoed is what the upstream says it got.
type echoed struct {
	Method, URI, Body string
	Header            http.Header
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(echoed{Method: r.Method, URI: r.URL.RequestURI(), Body: string(body), Header: r.Header})
}
