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
	"github.com/caddy-wechat/gateway/internal/wechattest"
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

// Attack: pushes that WeChat did not send, or sent to somebody else, or long
// ago. None has an effect, none reaches the relay, none learns anything.
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
	encrypt, err := wechattest.SealPush(testAES, "wxother", []byte(event.xml()))
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

// A wrong token is the commonest mistake: WeChat's console says only that its
// check failed. One line a minute names the account and what to compare. What
// carries no signature at all, such as a browser's visit, says nothing about
// the token.
func TestWrongSignaturesAreTold(t *testing.T) {
	t.Parallel()
	event := eventOf(wechat.PushCancel, "oPerson1").xml()
	check := func(p sent) *http.Request {
		p.query.Set("echostr", "42")
		return httptest.NewRequest(http.MethodGet, "/_wechat/push/main?"+p.query.Encode(), nil)
	}
	alone := func(p sent) sent { p.query.Del("signature"); return p }
	for name, row := range map[string]struct {
		request *http.Request
		told    bool
	}{
		"a plain push":          {signed("stranger", event, time.Now()).request(), true},
		"an encrypted push":     {sealed(t, "stranger", testAES, event, nil, fields.xml, time.Now()).request(), true},
		"msg_signature alone":   {alone(sealed(t, "stranger", testAES, event, nil, fields.xml, time.Now())).request(), true},
		"the check of the URL":  {check(signed("stranger", "", time.Now())), true},
		"an old wrong one":      {signed("stranger", event, time.Now().Add(-time.Hour)).request(), true},
		"no signature":          {sent{url.Values{}, event}.request(), false},
		"a browser's visit":     {httptest.NewRequest(http.MethodGet, "/_wechat/push/main", nil), false},
		"a parameter twice":     {httptest.NewRequest(http.MethodGet, "/_wechat/push/main?signature=a&signature=b", nil), false},
		"no account":            {httptest.NewRequest(http.MethodGet, "/_wechat/push/other?signature=a", nil), false},
		"a right one, no check": {httptest.NewRequest(http.MethodGet, "/_wechat/push/main?"+signed(testToken, "", time.Now()).query.Encode(), nil), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil)
			account := strings.TrimPrefix(row.request.URL.Path, "/_wechat/push/")
			for range 100 {
				s.Serve(httptest.NewRecorder(), row.request, account)
			}
			lines := strings.Count(s.log.text(), "level=WARN")
			switch {
			case !row.told && lines != 0, row.told && lines != 1:
				t.Errorf("%d warnings:\n%s", lines, s.log.text())
			case row.told && (!strings.Contains(s.log.text(), "account=main") || !strings.Contains(s.log.text(), "push_token")):
				t.Errorf("it does not name the account and push_token:\n%s", s.log.text())
			}
			if strings.Contains(s.log.text(), "stranger") {
				t.Errorf("the log repeats what was sent:\n%s", s.log.text())
			}
		})
	}
}

// A right signature around a wrong body is no wrong token: the line says
// something else.
func TestTamperedBodyIsNoWrongToken(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	p := safe(t, eventOf(wechat.PushCancel, "oPerson1"))
	p.query.Set("msg_signature", strings.Repeat("0", 40))
	s.push(p)
	if log := s.log.text(); strings.Count(log, "level=WARN") != 1 || strings.Contains(log, "push_token") || !strings.Contains(log, "account=main") {
		t.Errorf("the log says\n%s", log)
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

// Attack: slow bodies without a signature, or to no account at all. They are
// not read, but before it answers the server reads what is left: it has a
// deadline for that.
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
