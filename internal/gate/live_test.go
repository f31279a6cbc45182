package gate_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// streams are handlers that go on until somebody cuts them; each sends a line
// when it has begun.
var streams = map[string]http.HandlerFunc{
	"events": func(w http.ResponseWriter, r *http.Request) {
		begin(w)
		for r.Context().Err() == nil {
			time.Sleep(20 * time.Millisecond)
			_, _ = io.WriteString(w, "data: tick\n\n")
			_ = http.NewResponseController(w).Flush()
		}
	},
	"long poll": func(w http.ResponseWriter, r *http.Request) {
		begin(w)
		<-r.Context().Done()
	},
	// A file server does not look at its context; only its writes can fail.
	"download to a client that does not read": func(w http.ResponseWriter, _ *http.Request) {
		begin(w)
		junk := make([]byte, 1<<20)
		for {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	},
	"socket": func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = rw.Flush()
		<-r.Context().Done() // as reverse_proxy does
	},
}

func begin(w http.ResponseWriter) {
	_, _ = io.WriteString(w, "begun\n")
	_ = http.NewResponseController(w).Flush()
}

// ends are the ways in which a session ends.
var ends = map[string]func(w *town, b *browser, s *session.Session){
	"logout":   func(_ *town, b *browser, _ *session.Session) { b.form("/_wechat/logout", nil) },
	"upstream": func(_ *town, b *browser, _ *session.Session) { b.script(http.MethodGet, "/bye") },
	"revoked": func(w *town, _ *browser, s *session.Session) {
		_ = w.ledger.EndSession(w.t.Context(), s.ID, time.Now().Add(time.Hour))
	},
	"all of a person's": func(w *town, _ *browser, s *session.Session) {
		_ = w.ledger.EndPerson(w.t.Context(), s.Person, time.Now(), time.Now().Add(time.Hour))
	},
	"erased":            func(w *town, _ *browser, s *session.Session) { _ = w.ledger.Erase(w.t.Context(), s.Person) },
	"moved to somebody": func(w *town, _ *browser, s *session.Session) { w.move(s) },
}

// move gives the session's openid to another person.
func (w *town) move(s *session.Session) {
	for _, unionID := range []string{"oFirstUnion00000000000000000", "oOtherUnion00000000000000000"} {
		_, err := w.ledger.Observe(w.t.Context(), ledger.Observation{AppID: s.AppID, OpenID: s.OpenID, UnionID: unionID})
		if err != nil {
			w.t.Error(err)
		}
	}
}

// streaming is a town whose upstream streams what its address says, and how
// many of those go on.
func streaming(t *testing.T, changes ...func(*town)) (*town, chan string) {
	over := make(chan string, 16)
	w := newTown(t, append([]func(*town){scope(wechat.ScopeBase), func(w *town) {
		w.stream = func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("X-Upstream", "1")
			kind := strings.TrimPrefix(r.URL.Path, "/stream/")
			switch run := streams[kind]; {
			case run != nil:
				run(rw, r)
				over <- kind
			case r.URL.Path == "/bye":
				w.gate.EndByUpstream(rw, w.last)
			}
		}
	}}, changes...)...)
	return w, over
}

// stream begins a stream and returns when its first line has come.
func (b *browser) stream(kind string) *http.Response {
	b.town.t.Helper()
	r, err := http.NewRequestWithContext(b.town.t.Context(), http.MethodGet, shop+"/stream/"+url.PathEscape(kind), nil)
	if err != nil {
		b.town.t.Fatal(err)
	}
	r.Header.Set("User-Agent", b.ua)
	r.Header.Set("Accept", "*/*")
	if kind == "socket" {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.town.t.Fatal(err)
	}
	b.town.t.Cleanup(func() { _ = res.Body.Close() })
	if kind == "socket" {
		if res.StatusCode != http.StatusSwitchingProtocols {
			b.town.t.Fatalf("%s: %d", kind, res.StatusCode)
		}
		return res
	}
	if line, err := bufio.NewReaderSize(res.Body, 16).ReadString('\n'); err != nil || line != "begun\n" {
		b.town.t.Fatalf("%s: %d %q %v", kind, res.StatusCode, line, err)
	}
	return res
}

// cutPatience is how long tests wait for a cut. Package live measures, with a
// clock of its own, that it takes a second at most; here the machine may be
// busy.
const cutPatience = 5 * time.Second

// within waits for one of the streams to end, and says which.
func within(over <-chan string, limit time.Duration) (kind string, ended bool) {
	select {
	case kind = <-over:
		return kind, true
	case <-time.After(limit):
		return "", false
	}
}

// Attack: a socket that was opened with a session outlives its end. However a
// session ends, whatever runs by it ends within a second; what others have open
// goes on.
func TestAttackStreamsOutliveTheirSession(t *testing.T) {
	t.Parallel()
	for how := range ends {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			outlive(t, how, false)
		})
	}
	t.Run("logout, HTTP/2", func(t *testing.T) {
		t.Parallel()
		outlive(t, "logout", true)
	})
}

func outlive(t *testing.T, how string, http2 bool) {
	w, over := streaming(t, func(w *town) { w.http2 = http2 })
	b, other := w.browser("alice"), w.browser("bob")
	b.open("/")
	other.open("/")
	s, err := w.store.Load(t.Context(), b.session(), session.Binding{Site: shop, AppID: shopApp, Audience: session.Cookie})
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]bool{}
	for kind := range streams {
		if kind != "socket" || !http2 {
			b.stream(kind)
			open[kind] = true
		}
	}
	bystander := other.stream("long poll")
	if kind, cut := within(over, 900*time.Millisecond); cut {
		t.Fatalf("%s was cut although the session lives", kind)
	}
	end := time.Now()
	ends[how](w, b, s)
	for range len(open) {
		kind, cut := within(over, time.Until(end.Add(cutPatience)))
		if delete(open, kind); !cut {
			break
		}
	}
	if len(open) > 0 {
		t.Errorf("%s after the end run %v", cutPatience, open)
	}
	if kind, cut := within(over, 450*time.Millisecond); cut {
		t.Errorf("somebody else's %s was cut", kind)
	}
	_ = bystander.Body.Close()
}

// The visitor's side of it: the connection is closed, not just left silent.
func TestClientSeesTheCut(t *testing.T) {
	t.Parallel()
	w, _ := streaming(t)
	b := w.browser("alice")
	b.open("/")
	for _, kind := range []string{"long poll", "socket"} {
		res := b.stream(kind)
		done := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, res.Body)
			done <- err
		}()
		time.Sleep(500 * time.Millisecond)
		b.form("/_wechat/logout", nil)
		select {
		case <-done:
		case <-time.After(cutPatience):
			t.Errorf("%s: open %s after the logout", kind, cutPatience)
		}
		b.open("/")
	}
}

// A store that does not answer ends nothing: unavailable is not absent.
func TestStreamsOutliveAnOutage(t *testing.T) {
	t.Parallel()
	w, over := streaming(t, func(w *town) { w.hub.StoreHasCache = true })
	b := w.browser("alice")
	b.open("/")
	b.stream("long poll")
	w.store.fail(session.ErrUnavailable)
	w.ledger.fail(ledger.ErrUnavailable)
	loads := w.store.count(&w.store.loads)
	if _, cut := within(over, 1500*time.Millisecond); cut {
		t.Error("cut by an outage")
	}
	if w.store.count(&w.store.loads) == loads {
		t.Error("the store was not asked")
	}
	w.store.fail(nil)
	w.ledger.fail(nil)
	b.form("/_wechat/logout", nil)
	if _, cut := within(over, cutPatience); !cut {
		t.Error("well again, it is not cut")
	}
}

// The answer by which an app signs its visitor out may be finished, but not go
// on for ever.
func TestFarewellIsFinished(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		ran := map[string]time.Duration{}
		w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) {
			w.inside = true
			w.stream = func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("X-Upstream", "1")
				if r.URL.Path != "/bye" {
					return
				}
				w.gate.EndByUpstream(rw, w.last)
				begun := time.Now()
				<-r.Context().Done()
				ran[r.Header.Get("Upgrade")] = time.Since(begun)
			}
		})
		b := w.browser("alice")
		b.open("/")
		b.script(http.MethodGet, "/bye")
		if ran[""] < 9*time.Second || ran[""] > 12*time.Second {
			t.Errorf("the farewell was cut after %s", ran[""])
		}
		b.open("/")
		b.script(http.MethodGet, "/bye", "Upgrade", "websocket") // not an answer that ends
		if ran["websocket"] > time.Second {
			t.Errorf("a socket went on for %s", ran["websocket"])
		}
	})
}

// A request that runs for days keeps the value it came with. That the session
// was renewed meanwhile, and the old value expired, is no reason to cut it;
// that nobody comes any more is.
func TestRenewalKeepsStreams(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for name, change := range map[string]func(*town){
		"values change": func(*town) {},
		"values stay, as in Redis": func(w *town) {
			store := &fixedStore{values: map[[16]byte]string{}, now: map[string]*session.Session{}}
			store.Policy = w.hub.Policy
			w.store.Store, w.hub.StoreHasCache = store, true
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) {
				w.inside = true
				w.hub.Policy = session.Policy{Idle: 10 * time.Minute, Lifetime: 24 * time.Hour}
				sealed := w.store.Store.(session.Sealed)
				sealed.Policy = w.hub.Policy
				w.store.Store = sealed
				w.stream = func(rw http.ResponseWriter, r *http.Request) {
					rw.Header().Set("X-Upstream", "1")
					if r.URL.Path == "/stream" {
						<-r.Context().Done()
					}
				}
			}, change)
			b := w.browser("alice")
			b.open("/")
			over := make(chan time.Time, 1)
			go func() {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, shop+"/stream", nil)
				r.AddCookie(&http.Cookie{Name: "__Host-wechat", Value: b.session()})
				w.ServeHTTP(httptest.NewRecorder(), r)
				over <- time.Now()
			}()
			for range 8 { // 40 minutes: four times what the first value is good for
				time.Sleep(5 * time.Minute)
				b.script(http.MethodGet, "/")
			}
			select {
			case <-over:
				t.Fatalf("%s: cut although the session lives", name)
			default:
			}
			last := time.Now()
			if idle := (<-over).Sub(last); idle < 8*time.Minute || idle > 10*time.Minute+2*time.Second {
				t.Errorf("%s: cut %s after the last visit", name, idle)
			}
		})
	}
}

// Requests without a session are not watched, and closing cuts who is left: of
// what ends from then on nobody would hear.
func TestLiveClose(t *testing.T) {
	t.Parallel()
	w, over := streaming(t, func(w *town) { w.access["/stream/long poll"] = site.Public })
	b, nobody := w.browser("alice"), w.browser("carol")
	b.open("/")
	anonymous := nobody.stream("long poll")
	b.stream("long poll")
	if err := w.hub.Live.Close(); err != nil {
		t.Fatal(err)
	}
	if _, cut := within(over, cutPatience); !cut {
		t.Error("it runs on")
	}
	if _, cut := within(over, 500*time.Millisecond); cut {
		t.Error("a visitor without a session was cut")
	}
	_ = anonymous.Body.Close()
	within(over, cutPatience)
	b.stream("long poll")
	if _, cut := within(over, cutPatience); !cut {
		t.Error("after the end requests begin that nobody watches")
	}
	if err := w.hub.Live.Close(); err != nil {
		t.Fatal(err)
	}
}

// Without Live everything is as it was.
func TestWithoutLive(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.hub.Live = nil })
	b := w.browser("alice")
	b.open("/").last().upstream()
	b.form("/_wechat/logout", nil)
	if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
		t.Errorf("%d", h.status)
	}
}

// Requests come and go by the thousand while sessions are asked about.
func TestLiveCrowd(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
	b := w.browser("alice")
	b.open("/")
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	var crowd sync.WaitGroup
	for range 8 {
		crowd.Go(func() {
			for ctx.Err() == nil {
				r := httptest.NewRequestWithContext(ctx, http.MethodGet, shop+"/", nil)
				r.AddCookie(&http.Cookie{Name: "__Host-wechat", Value: b.session()})
				w.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
	crowd.Wait()
	if h := b.script(http.MethodGet, "/"); h.status != http.StatusOK {
		t.Errorf("%d", h.status)
	}
}
