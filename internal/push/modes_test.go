package push

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Every mode, format, token and key, to the end: the person's sessions are
// over.
func TestModesFormatsKeys(t *testing.T) {
	t.Parallel()
	writes := map[string]func(fields) string{"xml": fields.xml, "json": fields.json}
	for format, write := range writes {
		for tokenName, token := range map[string]string{"now": testToken, "previous": oldToken} {
			for keyName, key := range map[string]string{"none": "", "now": testAES, "previous": oldAES} {
				for _, mode := range []string{"plain", "compatible", "safe"} {
					if (key == "") != (mode == "plain") {
						continue
					}
					t.Run(strings.Join([]string{mode, format, "token " + tokenName, "key " + keyName}, ", "), func(t *testing.T) {
						t.Parallel()
						s := newScene(t, nil)
						event := eventOf(wechat.PushRevoke, "oPerson1").with("RevokeInfo", "205")
						var p sent
						switch mode {
						case "plain":
							plain(s)
							p = signed(token, write(event), time.Now())
						case "compatible": // the clear half names somebody else
							p = sealed(t, token, key, write(event), eventOf(wechat.PushCancel, "oPerson2"), write, time.Now())
						case "safe":
							p = sealed(t, token, key, write(event), fields{{"ToUserName", "gh_1"}}, write, time.Now())
						}
						person, other := s.meet(testAppID, "oPerson1"), s.meet(testAppID, "oPerson2")
						s.success(p)
						if s.bolt.PersonEnded(person.ID).IsZero() || !s.bolt.PersonEnded(other.ID).IsZero() {
							t.Error("not this person's sessions ended")
						}
						if _, err := s.bolt.Find(t.Context(), other.ID); err != nil {
							t.Errorf("the clear half has an effect: %v", err)
						}
					})
				}
			}
		}
	}
}

// The official vectors, through the front door, on the day they were made.
func TestOfficialVectors(t *testing.T) {
	raw, err := os.ReadFile("../wechat/testdata/push_official.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		URL struct {
			Token, URL string
			Expected   string `json:"expected_response_body"`
		} `json:"url_verification_GET"`
		Plain struct{ Token, Signature, Timestamp, Nonce, Body string } `json:"plain_POST"`
		Safe  struct {
			Token, AppID string
			Key          string `json:"encoding_aes_key"`
			Query, Body  map[string]string
		} `json:"safe_mode_POST"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		counts := new(Counts)
		keys := wechat.PushKeys{Tokens: secrets(v.Plain.Token), AppID: v.Safe.AppID}
		a := &Account{Name: "main", Kind: wechat.MiniProgram, Keys: keys, Counts: counts}
		h := &Handler{Accounts: map[string]*Account{"main": a}}
		time.Sleep(time.Until(time.Unix(1714036504, 0)))
		_, query, _ := strings.Cut(v.URL.URL, "?")
		w := httptest.NewRecorder()
		h.Serve(w, httptest.NewRequest(http.MethodGet, "/_wechat/push/main?"+query, nil), "main")
		if w.Code != http.StatusOK || w.Body.String() != v.URL.Expected || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("URL check: %d %q", w.Code, w.Body)
		}
		post := func(name string, query url.Values, body string) {
			w := httptest.NewRecorder()
			h.Serve(w, httptest.NewRequest(http.MethodPost, "/_wechat/push/main?"+query.Encode(), strings.NewReader(body)), "main")
			if w.Code != http.StatusOK || w.Body.String() != "success" {
				t.Errorf("%s: %d %q", name, w.Code, w.Body)
			}
		}
		post("plain", url.Values{"signature": {v.Plain.Signature}, "timestamp": {v.Plain.Timestamp}, "nonce": {v.Plain.Nonce}}, v.Plain.Body)
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Until(time.Unix(1714112446, 0)))
		keys.AESKeys = secrets(v.Safe.Key)
		a = &Account{Name: "main", Kind: wechat.MiniProgram, Keys: keys, Counts: counts}
		h = &Handler{Accounts: map[string]*Account{"main": a}}
		safe := url.Values{}
		for name, value := range v.Safe.Query {
			safe.Set(name, value)
		}
		body, _ := json.Marshal(v.Safe.Body)
		post("safe", safe, string(body))
		if counts.Received.Load() != 2 || counts.Verified.Load() != 1 || counts.Unread.Load() != 0 {
			t.Errorf("%d received, %d unread", counts.Received.Load(), counts.Unread.Load())
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// The check of the server URL: the echo, bare, and only to who signed.
func TestVerification(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	ask := func(method, token, echo string, at time.Time) *httptest.ResponseRecorder {
		p := signed(token, "", at)
		p.query.Set("echostr", echo)
		w := httptest.NewRecorder()
		s.Serve(w, httptest.NewRequest(method, "/_wechat/push/main?"+p.query.Encode(), nil), "main")
		return w
	}
	for _, token := range []string{testToken, oldToken} {
		w := ask(http.MethodGet, token, "4375120948345356249", time.Now())
		if w.Code != 200 || w.Body.String() != "4375120948345356249" || w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
		}
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"wrong token (Casdoor answers it)": ask(http.MethodGet, "stranger", "1", time.Now()),
		"long echo":                        ask(http.MethodGet, testToken, strings.Repeat("1", 257), time.Now()),
		"no echo":                          ask(http.MethodGet, testToken, "", time.Now()),
		"hostile echo":                     ask(http.MethodGet, testToken, "1\n<script>", time.Now()),
		"old":                              ask(http.MethodGet, testToken, "1", time.Now().Add(-11*time.Minute)),
		"ahead":                            ask(http.MethodGet, testToken, "1", time.Now().Add(11*time.Minute)),
	} {
		if w.Code != http.StatusForbidden || w.Body.Len() != 0 {
			t.Errorf("%s: %d %q", name, w.Code, w.Body)
		}
	}
	if w := ask(http.MethodDelete, testToken, "1", time.Now()); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", w.Code)
	}
	w := httptest.NewRecorder()
	s.Serve(w, httptest.NewRequest(http.MethodGet, "/_wechat/push/x", nil), "nobody")
	if w.Code != http.StatusNotFound || w.Body.Len() != 0 {
		t.Errorf("no such account: %d", w.Code)
	}
}
