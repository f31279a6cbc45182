package gate

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// What the gateway adds to a signed-in request: scrub, session, decision,
// headers, our cookie taken out.
func BenchmarkSignedInRequest(b *testing.B) {
	bolt, err := ledger.OpenBolt(filepath.Join(b.TempDir(), "ledger.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer bolt.Close()
	ring, err := session.NewRing(strings.Repeat("k", 32))
	if err != nil {
		b.Fatal(err)
	}
	sealed := &session.Sealed{Keys: ring, Tombstones: bolt}
	g := &Gate{
		Hub:     &Hub{WeChat: new(wechat.Client), Ledger: bolt, Store: sealed, Ended: bolt.Ended, PersonEnded: bolt.PersonEnded, Keys: ring, Results: new(Results)},
		Account: Account{Name: "default", Credentials: wechat.Credentials{AppID: "wx1"}},
		Rules:   Rules{Scope: wechat.ScopeUserInfo, Outside: OutsideQR},
		Logger:  slog.New(slog.DiscardHandler),
	}
	person, err := bolt.See(b.Context(), ledger.Sighting{AppID: "wx1", OpenID: "o1", UnionID: "u1", Consent: true, Profile: &ledger.Profile{Nickname: "小明", AvatarURL: "https://a/b"}})
	if err != nil {
		b.Fatal(err)
	}
	value, err := sealed.Save(b.Context(), session.New(session.Binding{Site: "http://example.com", AppID: "wx1"}, person.ID, "o1", session.ScopeUserInfo))
	if err != nil {
		b.Fatal(err)
	}
	scrub := NewScrub(g.HeaderNames())
	cookie := []string{"JSESSIONID=1; wechat=" + value}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/page?x=1", nil)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		clear(r.Header)
		r.Header["Cookie"] = cookie
		r.Header["User-Agent"] = []string{"MicroMessenger/8.0"}
		r.Header["Accept"] = []string{"text/html"}
		scrub.Request(r)
		id, pass := g.Serve(w, &Request{Request: r, Original: r.URL})
		if !pass || id == nil {
			b.Fatal("did not pass")
		}
		id.Apply(r.Header)
		StripCookies(r)
	}
}
