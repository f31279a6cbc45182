package gate_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// drip is a body that sends a byte a second, without end.
type drip struct{ rest string }

func (d *drip) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	p[0] = ' '
	if d.rest != "" {
		p[0], d.rest = d.rest[0], d.rest[1:]
	}
	return 1, nil
}

// drips posts a body that never ends.
func (b *browser) drips(path string, headers ...string) hop {
	b.town.t.Helper()
	// The read that came too late ends in the background, before the bubble does.
	b.town.t.Cleanup(func() { time.Sleep(2 * time.Second) })
	r, err := http.NewRequestWithContext(b.town.t.Context(), http.MethodPost, shop+path, &drip{rest: `{"code":"number=1&return_to=/x`})
	if err != nil {
		b.town.t.Fatal(err)
	}
	r.ContentLength = -1 // as a server sees it
	r.Header.Set("User-Agent", b.ua)
	r.Header.Set("Accept", acceptAll)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.town.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var text strings.Builder
	_ = res.Write(&text)
	return hop{t: b.town.t, url: path, status: res.StatusCode, header: res.Header, body: text.String()}
}

// Attack: bodies that never arrive hold a connection each. Every endpoint that
// reads one answers in five seconds, and has taken nothing of it for the whole.
func TestAttackSlowBodiesAreAnswered(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	once := code{c.MiniProgramCode("alice", miniApp)}
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, doors, scanning, func(w *town) { w.inside, w.gate.Rules.AllowDeclined = true, true })
		mini, b := w.client("alice"), w.browser("bob")
		mini.token = mini.ask(http.MethodPost, miniLogin, once).Token
		b.open("/page")
		c.SetConsent("bob", shopApp, false)
		screen := w.desktop("bob").shows("/x")
		b.reads(screen.code)
		sealed := strings.TrimPrefix(screen.code, shop)
		json := []string{"Content-Type", "application/json"}
		token := append(slices.Clone(json), "Authorization", "Bearer "+mini.token)
		form := []string{"Content-Type", "application/x-www-form-urlencoded", "Origin", shop}
		saves := w.store.count(&w.store.saves)
		for path, row := range map[string]struct {
			from    *browser
			headers []string
		}{
			miniLogin: {mini.browser, json}, mobileLogin: {mini.browser, json}, "/_wechat/mobile-app/app/declined": {mini.browser, json},
			miniPhone: {mini.browser, token}, miniProfile: {mini.browser, token},
			"/_wechat/decline": {b, form}, sealed: {b, form},
		} {
			begun := time.Now()
			h := row.from.drips(path, row.headers...)
			if h.status != http.StatusRequestTimeout || !strings.Contains(h.body, `"error":"body_timeout"`) || time.Since(begun) != 5*time.Second {
				t.Errorf("%s: %d after %v: %s", path, h.status, time.Since(begun), h.body)
			}
			if h.header.Get("Connection") != "close" {
				t.Errorf("%s: the connection goes on", path)
			}
		}
		if n := w.store.count(&w.store.saves); n != saves || screen.state() != "waiting" {
			t.Errorf("half a form was taken for a whole: %d sessions saved, the screen hears %s", n-saves, screen.state())
		}
	})
}

// timedWriter is a writer whose connection has deadlines.
type timedWriter struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
}

func (w *timedWriter) SetReadDeadline(at time.Time) error {
	w.deadlines = append(w.deadlines, at)
	return nil
}

// The deadline is the connection's, is there for bodies that are not read as
// well, and is taken away where the body has arrived: the connection lives on.
func TestBodiesHaveADeadlineOfTheConnection(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	good := `{"code":"` + c.MiniProgramCode("alice", miniApp) + `"}`
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, doors, func(w *town) { w.inside = true })
		for name, row := range map[string]struct {
			method, path, body string
			want               []time.Duration // 0 is none any more
		}{
			"read":         {http.MethodPost, miniLogin, good, []time.Duration{5 * time.Second, 0}},
			"too large":    {http.MethodPost, miniLogin, strings.Repeat("x", 17<<10), []time.Duration{5 * time.Second}},
			"not read":     {http.MethodPost, "/_wechat/mini-program/mini/ticket", "{}", []time.Duration{5 * time.Second}},
			"nothing here": {http.MethodPost, "/_wechat/nothing", "{}", []time.Duration{5 * time.Second}},
			"no body":      {http.MethodGet, "/_wechat/session", "", nil},
		} {
			out := &timedWriter{ResponseRecorder: httptest.NewRecorder()}
			r := httptest.NewRequest(row.method, shop+row.path, strings.NewReader(row.body))
			r.Header.Set("Content-Type", "application/json")
			original, err := url.ParseRequestURI(row.path)
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			w.gate.ServeEndpoint(out, &site.Request{Request: r, Original: original})
			var got []time.Duration
			for _, at := range out.deadlines {
				got = append(got, max(0, at.Sub(begun)))
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("%s: deadlines %v, want %v; %d %s", name, got, row.want, out.Code, out.Body)
			}
		}
	})
}

// A body that is late ends its own stream of HTTP/2 or 3, not the others beside
// it.
func TestLateBodyEndsNoOtherStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &gate.Gate{Site: site.Site{Origin: shop, OtherAccounts: []wechat.Account{{Kind: wechat.MobileApp, Name: "app"}}, Hub: new(site.Hub)}}
		out := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, shop+mobileLogin, &drip{})
		r.ContentLength, r.ProtoMajor = -1, 2
		r.Header.Set("Content-Type", "application/json")
		w.ServeEndpoint(out, &site.Request{Request: r, Original: r.URL})
		if out.Code != http.StatusRequestTimeout || out.Header().Get("Connection") != "" {
			t.Errorf("%d, Connection %q", out.Code, out.Header().Get("Connection"))
		}
	})
}
