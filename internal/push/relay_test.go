package push

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// What the relay gets is what WeChat sent, to the byte; what it answers is what
// WeChat gets. Repeated pushes too.
func TestRelayByteForByte(t *testing.T) {
	t.Parallel()
	type got struct{ method, uri, body, contentType, agent, other string }
	seen := make(chan got, 4)
	relay := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		other := r.Header.Get("Cookie") + r.Header.Get("X-Wechat-User") + r.Header.Get("Authorization") + r.Header.Get("X-Forwarded-For") + r.Header.Get("Accept-Encoding")
		seen <- got{r.Method, r.RequestURI, string(body), r.Header.Get("Content-Type"), r.Header.Get("User-Agent"), other}
		w.Header().Set("Content-Type", "text/xml")
		w.Header().Set("Set-Cookie", "bot=1")
		_, _ = io.WriteString(w, "<xml>reply</xml>")
	}
	s := newScene(t, func(s *scene) { s.account.Relay = listen(t, relay) })
	text := fields{{"ToUserName", "gh_1"}, {"FromUserName", "oPerson1"}, {"MsgType", "text"}, {"Content", "你好"}, {"MsgId", "1"}}
	p := safe(t, text)
	query := "openid=oPerson1&" + p.query.Encode() + "&x=%e4%bd%a0+%20b&empty"
	for range 2 {
		r := p.request()
		r.URL.RawQuery = query
		for name, value := range map[string]string{"Cookie": "__Host-wx=1", "X-Wechat-User": "me", "Authorization": "Bearer x", "X-Forwarded-For": "1.2.3.4", "User-Agent": "Mozilla/4.0"} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		s.Serve(w, r, "main")
		if w.Code != 200 || w.Body.String() != "<xml>reply</xml>" || w.Header().Get("Content-Type") != "text/xml" || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("WeChat gets %d %q %v", w.Code, w.Body, w.Header())
		}
		if g := <-seen; g != (got{"POST", "/weixin?" + query, p.body, "text/xml", "Mozilla/4.0", ""}) {
			t.Errorf("the relay gets %+v", g)
		}
	}
	s.account.Relay.RawQuery = "app=3"
	s.push(p)
	if g := <-seen; g.uri != "/weixin?app=3&"+p.query.Encode() {
		t.Errorf("the relay's own query: %s", g.uri)
	}
}

// Which pushes go to the relay.
func TestRelayedEvents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event           string
		all, forget     bool
		relayed, actsOn bool
	}{
		"ours":                   {wechat.PushRevoke, false, false, false, true},
		"ours, relay all":        {wechat.PushRevoke, true, false, true, true},
		"modified":               {wechat.PushModified, false, false, false, true},
		"cancelled, relay all":   {wechat.PushCancel, true, false, true, true},
		"unsubscribe":            {wechat.PushUnsubscribe, false, false, true, false},
		"unsubscribe, forgotten": {wechat.PushUnsubscribe, false, true, true, true},
		"subscribe":              {"subscribe", false, true, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var relayed atomic.Int32
			s := newScene(t, func(s *scene) {
				s.account.Relay = listen(t, func(w http.ResponseWriter, _ *http.Request) { relayed.Add(1); _, _ = io.WriteString(w, "bot") })
				s.account.RelayAll, s.account.ForgetOnUnsubscribe = c.all, c.forget
			})
			p := s.meet(testAppID, "oPerson1")
			_, body := s.push(safe(t, eventOf(c.event, "oPerson1").with("FromUserName", "oPerson1")))
			if want := map[bool]string{true: "bot", false: "success"}[c.relayed]; body != want || (relayed.Load() == 1) != c.relayed {
				t.Errorf("answered %q, relayed %d", body, relayed.Load())
			}
			if s.bolt.PersonEnded(p.ID).IsZero() == c.actsOn {
				t.Errorf("acted on: %v", !c.actsOn)
			}
		})
	}
}

// A relay that is slow, dead or confused costs WeChat's `success` nothing.
func TestBadRelayAnswersSuccess(t *testing.T) {
	t.Parallel()
	if relayPatience > 4500*time.Millisecond {
		t.Errorf("a relay may take %s, and WeChat gives up after 5 s", relayPatience)
	}
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	var elsewhere atomic.Int32
	other := listen(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	for name, relay := range map[string]http.HandlerFunc{
		"dead": nil,
		"slow": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not see us leave
			select {
			case <-release:
			case <-r.Context().Done():
			}
		},
		"slow body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		},
		"500":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "stack trace", 500) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.String(), http.StatusFound) },
		"307": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.String(), http.StatusTemporaryRedirect)
		},
		"huge":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxRelayAnswer+1)) },
		"gzip":     func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "gzip") },
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, func(s *scene) {
				s.account.RelayAll = true
				if relay == nil {
					s.account.Relay = &url.URL{Scheme: "http", Host: closed.Addr().String()}
				} else {
					s.account.Relay = listen(t, relay)
				}
			})
			p := s.meet(testAppID, "oPerson1")
			began := time.Now()
			s.success(safe(t, eventOf(wechat.PushRevoke, "oPerson1").with("RevokeInfo", "205")))
			// WeChat waits for 5 s. The machine may be busy, also while it waits.
			if took := time.Since(began); took > relayPatience+5*time.Second || strings.HasPrefix(name, "slow") && took < 4*time.Second {
				t.Errorf("answered after %v", took)
			}
			if s.account.Counts.RelayFail.Load() != 1 || s.account.Counts.Relayed.Load() != 0 {
				t.Error("not counted")
			}
			if s.bolt.PersonEnded(p.ID).IsZero() || elsewhere.Load() != 0 {
				t.Errorf("not acted on, or sent elsewhere: %d", elsewhere.Load())
			}
		})
	}
}

// Attack: pushes that nobody signed keep a slow relay busy, or a body without
// end us.
func TestSlowSenderIsCutOff(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Serve(w, r, "main") }))
	defer server.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p := safe(t, eventOf(wechat.PushRevoke, "oPerson1"))
	began := time.Now()
	_, _ = io.WriteString(conn, "POST /?"+p.query.Encode()+" HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n<xml>")
	_ = conn.SetReadDeadline(began.Add(20 * time.Second))
	answer, err := io.ReadAll(conn)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 400") || time.Since(began) > readPatience+5*time.Second {
		t.Errorf("%q after %v, %v", answer, time.Since(began), err)
	}
}
