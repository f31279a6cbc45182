package gate

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/assertion"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// What the gateway adds to a signed-in request: scrub, session, decision,
// headers, our cookie taken out.
func BenchmarkSignedInRequest(b *testing.B) {
	handle, _ := signedIn(b)
	b.ReportAllocs()
	for b.Loop() {
		handle(false)
	}
}

// What it costs to cut a request that outlives its session, on top of the
// request's other costs: in nanoseconds, and as a ratio of all that the gateway
// does for it. The two ways take turns, so that a busy machine slows both.
func BenchmarkWatchedRequest(b *testing.B) {
	handle, list := signedIn(b)
	var spent [2]time.Duration
	const turn = 64
	for b.Loop() {
		for way := range spent {
			begun := time.Now()
			for range turn {
				handle(way == 1)
			}
			spent[way] += time.Since(begun)
		}
	}
	requests := float64(b.N) * turn
	b.ReportMetric(float64(spent[0])/requests, "ns/before")
	b.ReportMetric(float64(spent[1]-spent[0])/requests, "ns/watched")
	b.ReportMetric(float64(spent[1])/float64(spent[0]), "ratio")
	if err := list.Close(); err != nil {
		b.Fatal(err)
	}
}

// What an assertion costs, once it is signed, on top of the request's other
// costs, as BenchmarkWatchedRequest measures it.
func BenchmarkAssertedRequest(b *testing.B) {
	plain, _ := signedInBy(b, nil)
	asserted, _ := signedInBy(b, &assertion.Rule{Lifetime: assertion.DefaultLifetime, Algorithm: assertion.ES256})
	var spent [2]time.Duration
	const turn = 64
	for b.Loop() {
		for way, handle := range []func(bool){plain, asserted} {
			begun := time.Now()
			for range turn {
				handle(false)
			}
			spent[way] += time.Since(begun)
		}
	}
	requests := float64(b.N) * turn
	b.ReportMetric(float64(spent[0])/requests, "ns/before")
	b.ReportMetric(float64(spent[1]-spent[0])/requests, "ns/asserted")
	b.ReportMetric(float64(spent[1])/float64(spent[0]), "ratio")
}

// signedIn returns what handles one request of somebody who is signed in,
// watched or not.
func signedIn(b *testing.B) (handle func(watched bool), list *live.List) {
	return signedInBy(b, nil)
}

// signedInBy is signedIn on a site that signs assertions by a rule, if there is
// one.
func signedInBy(b *testing.B, rule *assertion.Rule) (handle func(watched bool), list *live.List) {
	bolt, err := boltledger.Open(filepath.Join(b.TempDir(), "ledger.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = bolt.Close() })
	ring, err := session.NewRing(strings.Repeat("k", 32))
	if err != nil {
		b.Fatal(err)
	}
	sealed := &session.Sealed{Keys: ring, Tombstones: bolt}
	list = new(live.List)
	g := &Gate{Site: site.Site{
		Hub:     &site.Hub{Counts: new(site.Counts), Live: list, WeChat: new(wechat.Client), Ledger: bolt, Store: sealed, Ended: bolt.Ended, PersonEnded: bolt.PersonEnded, Keys: ring, Memory: new(site.Memory), Assertions: &assertion.Signer{Ring: ring}},
		Account: wechat.Account{Kind: wechat.OfficialAccount, Name: "default", Credentials: wechat.Credentials{AppID: "wx1"}},
		Rules:   site.Rules{Scope: wechat.ScopeUserInfo, OutsideWeChat: site.OutsideQR, Assertion: rule},
		Logger:  slog.New(slog.DiscardHandler),
	}}
	person, err := bolt.Observe(b.Context(), ledger.Observation{AppID: "wx1", OpenID: "o1", UnionID: "u1", Consent: true, Profile: &ledger.Profile{Nickname: "小明", AvatarURL: "https://a/b"}})
	if err != nil {
		b.Fatal(err)
	}
	value, err := sealed.Save(b.Context(), session.New(session.Binding{Site: "http://example.com", AppID: "wx1"}, person.ID, "o1", session.ScopeUserInfo))
	if err != nil {
		b.Fatal(err)
	}
	scrub := request.NewScrub(g.HeaderNames())
	cookie := []string{"JSESSIONID=1; wechat=" + value}
	// As a server does: the context of each request can be cancelled.
	ctx, cancel := context.WithCancel(b.Context())
	b.Cleanup(cancel)
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/page?x=1", nil)
	w := httptest.NewRecorder()
	return func(watched bool) {
		clear(r.Header)
		r.Header["Cookie"] = cookie
		r.Header["User-Agent"] = []string{"MicroMessenger/8.0"}
		r.Header["Accept"] = []string{"text/html"}
		scrub.Request(r)
		q := &site.Request{Request: r, Original: r.URL}
		id, pass := g.Serve(w, q)
		if !pass || id == nil {
			b.Fatal("did not pass")
		}
		q.ApplyIdentity(r.Header)
		cookies.Strip(r)
		if watched {
			g.Watch(w, q)
			q.Done()
		}
	}, list
}

// What a rule for some paths costs each request, and the most that an attacker
// can make it cost.
func BenchmarkDemands(b *testing.B) {
	rule := request.Paths{"/account/*", "*.do", "/shops/*/menu"}
	for name, path := range map[string]string{
		"plain":   "/shops/1/list.html",
		"params":  "/list.jsp;jsessionid=1",
		"hostile": "/" + strings.Repeat("(S(a))/b;c%20.\xc0\xae\\//", 45),
	} {
		b.Run(name, func(b *testing.B) {
			u := &url.URL{Path: path}
			b.ReportAllocs()
			for b.Loop() {
				rule.DemandsAny(request.ReadPath(u))
			}
		})
	}
}
