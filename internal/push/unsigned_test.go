package push

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// listen starts a relay.
func listen(t *testing.T, handler http.HandlerFunc) *url.URL {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL + "/weixin")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Attack: pushes that WeChat did not send, or sent to somebody else, or long ago.
// None has an effect, none reaches the relay, none learns anything.
func TestUnsignedHasNoEffect(t *testing.T) {
	t.Parallel()
	var relayed atomic.Int32
	s := newScene(t, func(s *scene) {
		s.account.RelayAll = true
		s.account.Relay = listen(t, func(http.ResponseWriter, *http.Request) { relayed.Add(1) })
	})
	person := s.meet(testAppID, "oPerson1")
	event := eventOf(wechat.PushCancel, "oPerson1")
	with := func(p sent, name, value string) sent { p.query.Set(name, value); return p }
	foreign := signed(testToken, "", time.Now())
	encrypt, err := wechat.SealPush(wechat.NewSecret(testAES), "wxother", [16]byte{}, []byte(event.xml()))
	if err != nil {
		t.Fatal(err)
	}
	foreign.body = fields{{"Encrypt", encrypt}}.xml()
	foreign.query.Set("msg_signature", wechat.PushSignature(wechat.NewSecret(testToken), foreign.query.Get("timestamp"), "415670741", encrypt))
	for name, p := range map[string]sent{
		"no query":                {url.Values{}, event.xml()},
		"plain, not signed":       signed("stranger", event.xml(), time.Now()),
		"plain, despite the key":  signed(testToken, event.xml(), time.Now()),
		"safe, not signed":        sealed(t, "stranger", testAES, event.xml(), nil, fields.xml, time.Now()),
		"safe, wrong key":         sealed(t, testToken, "0000000000000000000000000000000000000000000", event.xml(), nil, fields.xml, time.Now()),
		"no msg_signature":        with(safe(t, event), "msg_signature", ""),
		"another nonce":           with(safe(t, event), "nonce", "1"),
		"fresh time, old text":    with(safe(t, event), "timestamp", "1714112445"),
		"replayed":                sealed(t, testToken, testAES, event.xml(), nil, fields.xml, time.Now().Add(-11*time.Minute)),
		"from the future":         sealed(t, testToken, testAES, event.xml(), nil, fields.xml, time.Now().Add(11*time.Minute)),
		"another app's envelope":  foreign,
		"another app's event":     safe(t, event.with("AppID", "wxother")),
		"doctype in the envelope": {safe(t, event).query, "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>" + safe(t, event).body},
	} {
		if code, body := s.push(p); code != http.StatusForbidden || body != "" {
			t.Errorf("%s: %d %q", name, code, body)
		}
	}
	if code, body := s.push(sent{safe(t, event).query, strings.Repeat("x", maxBody+1)}); code != http.StatusRequestEntityTooLarge || body != "" {
		t.Errorf("too large: %d %q", code, body)
	}
	if p, err := s.bolt.Find(t.Context(), person.ID); err != nil || p.Nickname == "" || !s.bolt.PersonEnded(person.ID).IsZero() {
		t.Errorf("a push that was refused has an effect: %v", err)
	}
	if relayed.Load() != 0 || s.account.Counts.Received.Load() != 0 || len(s.due()) != 0 {
		t.Errorf("%d relayed, %d received, %d told", relayed.Load(), s.account.Counts.Received.Load(), len(s.due()))
	}
	if refused, stale := s.account.Counts.Refused.Load(), s.account.Counts.Stale.Load(); refused != 12 || stale != 2 {
		t.Errorf("%d refused, %d stale", refused, stale)
	}
	// The same event, as WeChat sends it: the test above can fail.
	s.push(safe(t, event))
	if _, err := s.bolt.Find(t.Context(), person.ID); err == nil || relayed.Load() != 1 {
		t.Error("nothing was erased, or relayed")
	}
}

// Attack: one signature seen in a log must not fill the log.
func TestWarningsAreFew(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	for range 100 {
		s.push(signed(testToken, "<xml></xml>", time.Now()))
		s.push(sealed(t, testToken, testAES, "?", nil, fields.xml, time.Now().Add(-time.Hour)))
	}
	if lines := strings.Count(s.log.text(), "level=WARN"); lines == 0 || lines > 3 {
		t.Errorf("%d warnings\n%s", lines, s.log.text())
	}
}

// A clock of WeChat's that is ahead must not end sessions that are yet to come.
func TestClockAheadEndsNoFutureSession(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct{ created, want time.Time }{
		"ahead":   {now.Add(time.Hour), now},
		"a while": {now.Add(-time.Hour), now.Add(-time.Hour)},
		"none":    {time.Time{}, now},
	} {
		if got := eventTime(c.created, now); !got.Equal(c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Signed, but not readable: nobody's event. The bot may make more of it.
func TestUnreadableIsRelayed(t *testing.T) {
	t.Parallel()
	var relayed atomic.Int32
	s := newScene(t, func(s *scene) {
		plain(s)
		s.account.Relay = listen(t, func(w http.ResponseWriter, _ *http.Request) { relayed.Add(1); _, _ = w.Write([]byte("hm")) })
	})
	if code, body := s.push(signed(testToken, "not XML", time.Now())); code != 200 || body != "hm" || relayed.Load() != 1 {
		t.Errorf("%d %q, %d relayed", code, body, relayed.Load())
	}
	s.account.Relay = nil
	s.success(signed(testToken, "not XML", time.Now()))
	if got := s.account.Counts.Unread.Load(); got != 2 {
		t.Errorf("%d unread", got)
	}
}

// deadlined is a writer whose connection has deadlines.
type deadlined struct {
	*httptest.ResponseRecorder
	at []time.Time
}

func (d *deadlined) SetReadDeadline(at time.Time) error {
	d.at = append(d.at, at)
	return nil
}

// Attack: slow bodies without a signature, or to no account at all. They are not read,
// but before it answers the server reads what is left: it has a deadline for that.
func TestAttackSlowUnsignedBodiesHaveADeadline(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	for name, row := range map[string]struct {
		method, account string
		status          int
	}{
		"without a signature": {http.MethodPost, "main", http.StatusForbidden},
		"no such account":     {http.MethodPost, "other", http.StatusNotFound},
		"another method":      {http.MethodPut, "main", http.StatusMethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
			r := httptest.NewRequest(row.method, "/_wechat/push/"+row.account, strings.NewReader("slow"))
			begun := time.Now()
			s.Serve(w, r, row.account)
			if w.Code != row.status || len(w.at) != 1 || w.at[0].Before(begun) || w.at[0].After(time.Now().Add(readPatience)) {
				t.Errorf("%d, deadlines %v", w.Code, w.at)
			}
		})
	}
}
