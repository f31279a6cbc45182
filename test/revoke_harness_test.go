package test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

const (
	pushToken  = "pushTokenOfTheShop"
	pushAESKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFA"

	// hookKey is what hookSecret says in base64.
	hookKey    = "32 bytes that nobody else knows."
	hookSecret = "whsec_MzIgYnl0ZXMgdGhhdCBub2JvZHkgZWxzZSBrbm93cy4="
)

// pushAccount is the account's part for pushes in safe mode.
const pushAccount = "push_token " + pushToken + "\n\t\t\tpush_aes_key " + pushAESKey

// webhookTo is the block for a system that hears of everything.
func webhookTo(address string) string {
	return "webhook " + address + " {\n\t\t\tname crm\n\t\t\tsecret " + hookSecret + "\n\t\t}"
}

// pushesTo tells the simulated WeChat where a gateway listens for pushes.
func pushesTo(t *testing.T, s *wechattest.Server, site string, mode wechattest.PushMode) {
	t.Helper()
	p := wechattest.PushSettings{URL: site, Token: pushToken, AESKey: pushAESKey, Mode: mode}
	if err := s.SetPush(appID, p); err != nil {
		t.Fatal(err)
	}
}

// notice is one delivery of a webhook.
type notice struct {
	ID, Type string
	At       time.Time // of its arrival
	Data     struct {
		User, Account, OpenID, Reason, Scope string
		AppID                                string `json:"app_id"`
	}
	body string
}

// business is a business system that hears of persons. It checks signatures as
// Standard Webhooks describes them, with code of its own.
type business struct {
	*httptest.Server
	mu     sync.Mutex
	down   bool
	failed int // deliveries while it was down
	forged int // deliveries with a signature that is not ours
	all    []notice
}

func newBusiness(t *testing.T) *business {
	t.Helper()
	b := new(business)
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *business) setDown(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

// ServeHTTP takes a webhook; while the system is down the connection breaks.
func (b *business) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil || b.down {
		b.failed++
		panic(http.ErrAbortHandler)
	}
	n := notice{At: time.Now(), body: string(body)}
	if !signedByHook(r.Header, body) || json.Unmarshal(body, &n) != nil || n.ID != r.Header.Get("webhook-id") {
		b.forged++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	b.all = append(b.all, n)
	w.WriteHeader(http.StatusNoContent)
}

// signedByHook checks a delivery's signature and time.
func signedByHook(h http.Header, body []byte) bool {
	seconds, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, []byte(hookKey))
	mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "." + string(body)))
	return h.Get("webhook-signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// heard returns the deliveries of these types, all without one.
func (b *business) heard(types ...string) []notice {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.all), func(n notice) bool {
		return len(types) > 0 && !slices.Contains(types, n.Type)
	})
}

// attempts says how often the system was called in vain.
func (b *business) attempts() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

// forgeries says how often a signature was not ours.
func (b *business) forgeries() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.forged
}

// once waits for a webhook of this type about a person, and checks that each
// that came was verified and that there is one id only.
func (b *business) once(t *testing.T, kind, user string, patience time.Duration) notice {
	t.Helper()
	mine := func() []notice {
		return slices.DeleteFunc(b.heard(kind), func(n notice) bool { return n.Data.User != user })
	}
	soon(t, kind+" at the business system", patience, func() bool { return len(mine()) > 0 })
	time.Sleep(100 * time.Millisecond) // for one too many
	got := mine()
	for _, n := range got[1:] {
		if n.ID != got[0].ID {
			t.Errorf("two webhooks %s, %s and %s: %s", kind, got[0].ID, n.ID, n.body)
		}
	}
	if n := b.forgeries(); n != 0 {
		t.Errorf("%d webhooks could not be verified", n)
	}
	return got[0]
}

// soon waits until something is so.
func soon(t *testing.T, what string, patience time.Duration, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// outside asks addresses that are not a visitor's: the admin endpoint, WeChat's
// control page. Redirects are not followed.
func outside(t *testing.T, method, address, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost && !strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// press presses a button of the simulated WeChat's control page.
func press(t *testing.T, sim, button string, fields ...string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	if status, text := outside(t, http.MethodPost, sim+"/_sim/"+button, form.Encode()); status != http.StatusSeeOther {
		t.Fatalf("%s: %d %s", button, status, text)
	}
}

// userOf is the app's name for a person, by the newest request it received.
func (w *world) userOf() string {
	w.t.Helper()
	all := w.app.take()
	if len(all) == 0 {
		w.t.Fatal("the app was not reached")
	}
	return all[len(all)-1].header.Get("X-Wechat-User")
}
