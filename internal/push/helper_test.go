package push

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

const (
	testAppID = "wx1234567890abcdef"
	testAES   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	testToken = "tokenOfTheTest1"
	oldAES    = "GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba"
	oldToken  = "tokenOfYesterday"
)

// scene is a handler before a real ledger.
type scene struct {
	*Handler
	t       *testing.T
	bolt    *boltledger.Ledger
	account *Account
	log     *record
	mu      sync.Mutex
	entries []Entry
}

// record is what was logged.
type record struct {
	mu sync.Mutex
	bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Buffer.Write(p)
}

func (r *record) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.String()
}

// newScene returns a scene whose account "main" is in safe mode, and whose
// ledger tells everything to the target "crm". change, if there is one, comes
// before the first push.
func newScene(t *testing.T, change func(s *scene)) *scene {
	t.Helper()
	bolt, err := boltledger.Open(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	bolt.SetTargets([]ledger.Target{{Name: "crm"}})
	s := &scene{t: t, bolt: bolt, log: new(record)}
	s.account = &Account{
		Name: "main", Kind: wechat.OfficialAccount, Counts: new(Counts),
		Keys: wechat.PushKeys{Tokens: secrets(testToken, oldToken), AESKeys: secrets(testAES, oldAES), AppID: testAppID},
	}
	s.Handler = &Handler{
		Accounts: map[string]*Account{"main": s.account}, Ledger: bolt, Lifetime: time.Hour, Journal: new(notes),
		Logger: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Audit: func(e Entry) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.entries = append(s.entries, e)
		},
	}
	if change != nil {
		change(s)
	}
	t.Cleanup(func() {
		_ = s.Close(context.Background())
		if err := bolt.Close(); err != nil {
			t.Error(err)
		}
		for _, private := range []string{testToken, oldToken, testAES, oldAES, "oPerson", "oOther", "uPerson"} {
			if strings.Contains(s.log.text(), private) {
				t.Errorf("the log holds %s:\n%s", private, s.log.text())
			}
		}
	})
	return s
}

func secrets(texts ...string) (all []wechat.Secret) {
	for _, text := range texts {
		all = append(all, wechat.NewSecret(text))
	}
	return all
}

// plain puts the account into plain mode.
func plain(s *scene) { s.account.Keys.AESKeys = nil }

// meet lets a person sign in with consent and profile.
func (s *scene) meet(appID, openID string) ledger.Person {
	s.t.Helper()
	p, err := s.bolt.Observe(context.Background(), ledger.Observation{
		AppID: appID, OpenID: openID, UnionID: "uPerson" + strings.TrimPrefix(openID, "oPerson"), Consent: true,
		Profile: &ledger.Profile{Nickname: "Li Lei", AvatarURL: "https://wx.qlogo.cn/a/0"}, Phone: "+86 13800000000", Grant: []byte("sealed"),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// due are the events that wait for "crm", one a person.
func (s *scene) due() []ledger.Delivery {
	s.t.Helper()
	due, _, err := s.bolt.Due(context.Background(), "crm", time.Now().Add(time.Minute), 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	return due
}

// fields are the names and values of a message in their order.
type fields [][2]string

// event is one of the account's events about a person, now.
func eventOf(name, openID string) fields {
	return fields{
		{"ToUserName", "gh_870882ca4b1"},
		{"FromUserName", "oPlatform"},
		{"CreateTime", strconv.FormatInt(time.Now().Unix(), 10)},
		{"MsgType", "event"},
		{"Event", name},
		{"OpenID", openID},
		{"AppID", testAppID},
	}
}

func (f fields) with(name, value string) fields {
	out := make(fields, 0, len(f)+1)
	for _, field := range f {
		if field[0] != name {
			out = append(out, field)
		}
	}
	return append(out, [2]string{name, value})
}

func (f fields) xml() string {
	var b strings.Builder
	for _, field := range f {
		fmt.Fprintf(&b, "<%s><![CDATA[%s]]></%[1]s>", field[0], field[1])
	}
	return "<xml>" + b.String() + "</xml>"
}

func (f fields) json() string {
	var parts []string
	for _, field := range f {
		value, _ := json.Marshal(field[1])
		parts = append(parts, fmt.Sprintf("%q:%s", field[0], value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// sent is a push before it is sent.
type sent struct {
	query url.Values
	body  string
}

func (p sent) request() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/_wechat/push/main?"+p.query.Encode(), strings.NewReader(p.body))
	r.Header.Set("Content-Type", "text/xml")
	return r
}

// signed is a push in plain mode.
func signed(token, body string, at time.Time) sent {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return sent{url.Values{
		"signature": {wechat.PushSignature(wechat.NewSecret(token), stamp, "415670741")}, "timestamp": {stamp}, "nonce": {"415670741"}, "openid": {"oX"},
	}, body}
}

// sealed is a push in safe mode, in compatible mode where there are clear
// fields.
func sealed(t testing.TB, token, key, message string, clear fields, write func(fields) string, at time.Time) sent {
	t.Helper()
	encrypt, err := wechattest.SealPush(key, testAppID, []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	p := signed(token, write(append(clear[:len(clear):len(clear)], [2]string{"Encrypt", encrypt})), at)
	p.query.Set("encrypt_type", "aes")
	p.query.Set("msg_signature", wechat.PushSignature(wechat.NewSecret(token), p.query.Get("timestamp"), "415670741", encrypt))
	return p
}

// safe is a push as WeChat sends it now, in safe mode and XML.
func safe(t testing.TB, f fields) sent {
	return sealed(t, testToken, testAES, f.xml(), fields{{"ToUserName", "gh_870882ca4b1"}}, fields.xml, time.Now())
}

// push sends a push and returns status and body of the answer.
func (s *scene) push(p sent) (int, string) {
	w := httptest.NewRecorder()
	s.Serve(w, p.request(), "main")
	s.settled()
	return w.Code, w.Body.String()
}

// settled waits until the ledger in a file has all pushes. A busy disk may take
// longer than their answers wait for it.
func (s *scene) settled() {
	if s.bolt == nil {
		return // the test's own ledger
	}
	for end := time.Now().Add(time.Minute); s.account.Counts.Waiting.Load() > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// success sends a push and fails the test if the answer is not `success`.
func (s *scene) success(p sent) {
	s.t.Helper()
	if code, body := s.push(p); code != http.StatusOK || body != "success" {
		s.t.Fatalf("answered %d %q\n%s", code, body, s.log.text())
	}
}
