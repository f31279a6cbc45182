package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

const (
	miniProfile = "/_wechat/mini-program/mini/profile"
	miniPhone   = "/_wechat/mini-program/mini/phone"
)

// handed is what WeChat's client hands over.
func (c *client) handed(appID string) wechattest.Encrypted {
	c.town.t.Helper()
	e, err := c.town.weChat.EncryptedProfile(c.person, appID)
	if err != nil {
		c.town.t.Fatal(err)
	}
	return e
}

func TestProfile(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	c := w.mini("alice")
	if h := c.page("/").Header; len(h["X-Wechat-Nickname"]) != 0 {
		t.Errorf("a nickname that was not given: %v", h)
	}
	e := c.handed(miniApp)
	got := c.ask(http.MethodPost, miniProfile, e)
	if got.status != http.StatusOK || got.User["nickname"] != "小明 🐼" || got.User["avatar"] != "https://thirdwx.qlogo.cn/mmopen/alice/132" || got.User["scope"] != "mini_program" || got.Token != "" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if h := c.page("/").Header; h.Get("X-Wechat-Nickname") != "%E5%B0%8F%E6%98%8E%20%F0%9F%90%BC" {
		t.Errorf("the app sees %v", h)
	}
	// Forms of before made blanks of every +, and encoders break lines.
	e = c.handed(miniApp)
	e.EncryptedData, e.IV = strings.ReplaceAll(e.EncryptedData, "+", " "), strings.ReplaceAll(e.IV, "+", " ")
	e.EncryptedData = e.EncryptedData[:76] + "\r\n" + e.EncryptedData[76:]
	if got := c.ask(http.MethodPost, miniProfile, e); got.status != http.StatusOK {
		t.Errorf("blanks for +: %d %s", got.status, got.body)
	}
}

// 微信用户 with the grey avatar says nothing, is no consent, and overwrites no good
// nickname.
func TestAnonymousProfileOverwritesNothing(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	alice, carol := w.mini("alice"), w.mini("carol")
	alice.ask(http.MethodPost, miniProfile, alice.handed(miniApp))
	if err := w.weChat.SetQuirks(wechattest.Quirks{AnonymousProfile: true}); err != nil {
		t.Fatal(err)
	}
	if got := alice.ask(http.MethodPost, miniProfile, alice.handed(miniApp)); got.status != http.StatusOK || got.User["nickname"] != "小明 🐼" {
		t.Errorf("%d %s", got.status, got.body)
	}
	got := carol.ask(http.MethodPost, miniProfile, carol.handed(miniApp))
	if got.status != http.StatusOK || got.User["nickname"] != nil || got.User["avatar"] != nil {
		t.Errorf("%d %s", got.status, got.body)
	}
	p, err := w.ledger.Find(t.Context(), got.User["id"].(string))
	if err != nil || p.Consented(miniApp) || p.Nickname != "" {
		t.Errorf("kept as a profile: %q, %v", p.Nickname, err)
	}
}

// Whatever is wrong with what a client hands over (wechat-protocol D2): nothing
// is kept, nothing panics, and the answer says what to do.
func TestHandedDataIsChecked(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	c, bob := w.mini("alice"), w.mini("bob")
	if w.weChat.MiniProgramCode("alice", otherMini) == "" {
		t.Fatal("no other mini program")
	}
	for name, try := range map[string]struct {
		spoil  func(e *wechattest.Encrypted)
		status int
		error  string
	}{
		"changed raw data":     {func(e *wechattest.Encrypted) { e.RawData += " " }, 400, "session_key_stale"},
		"changed signature":    {func(e *wechattest.Encrypted) { e.Signature = strings.Repeat("0", 40) }, 400, "session_key_stale"},
		"no signature":         {func(e *wechattest.Encrypted) { e.Signature = "" }, 400, "session_key_stale"},
		"no raw data":          {func(e *wechattest.Encrypted) { e.RawData = "" }, 400, "session_key_stale"},
		"another visitor's":    {func(e *wechattest.Encrypted) { *e = bob.handed(miniApp) }, 400, "session_key_stale"},
		"another program's":    {func(e *wechattest.Encrypted) { *e = c.handed(otherMini) }, 400, "session_key_stale"},
		"padding of another":   {func(e *wechattest.Encrypted) { e.EncryptedData = c.handed(otherMini).EncryptedData }, 400, "session_key_stale"},
		"short iv":             {func(e *wechattest.Encrypted) { e.IV = e.IV[:8] }, 400, "bad_data"},
		"no iv":                {func(e *wechattest.Encrypted) { e.IV = "" }, 400, "bad_data"},
		"odd length":           {func(e *wechattest.Encrypted) { e.EncryptedData = e.EncryptedData[:len(e.EncryptedData)-4] }, 400, "bad_data"},
		"not base64":           {func(e *wechattest.Encrypted) { e.EncryptedData = "$" + e.EncryptedData[1:] }, 400, "bad_data"},
		"nothing encrypted":    {func(e *wechattest.Encrypted) { e.EncryptedData = "" }, 400, "bad_data"},
		"one block cut":        {func(e *wechattest.Encrypted) { e.EncryptedData = e.EncryptedData[64:] }, 400, "session_key_stale"},
		"too large":            {func(e *wechattest.Encrypted) { e.EncryptedData = strings.Repeat("A", 70<<10) }, 413, "too_large"},
		"large, but not a lot": {func(e *wechattest.Encrypted) { e.EncryptedData = strings.Repeat("A", 20<<10) }, 400, "bad_data"},
	} {
		e := c.handed(miniApp)
		try.spoil(&e)
		got := c.ask(http.MethodPost, miniProfile, e)
		if got.status != try.status || got.Error != try.error {
			t.Errorf("%s: %d %s, want %d %s", name, got.status, got.body, try.status, try.error)
		}
	}
	if h := c.page("/").Header; len(h["X-Wechat-Nickname"]) != 0 {
		t.Errorf("kept: %v", h)
	}
	// A second wx.login that we have not heard of replaces the key.
	late := w.weChat.MiniProgramCode("alice", miniApp)
	c.ask(http.MethodPost, miniProfile, c.handed(miniApp)).refused(t, 400, "session_key_stale")
	if got := c.ask(http.MethodPost, miniLogin, code{late}); got.status != http.StatusOK {
		t.Fatal(got.body)
	}
	if got := c.ask(http.MethodPost, miniProfile, c.handed(miniApp)); got.status != http.StatusOK {
		t.Errorf("after the login: %d %s", got.status, got.body)
	}
}

// Profile, phone and ticket are of clients that are signed in at this very
// account.
func TestDataNeedsATokenOfTheAccount(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	app, b := w.client("alice"), w.browser("alice")
	app.token = app.ask(http.MethodPost, mobileLogin, code{w.weChat.MobileCode("alice", mobileApp)}).Token
	b.consents("/")
	for _, path := range []string{miniProfile, miniPhone, "/_wechat/mini-program/mini/ticket"} {
		app.ask(http.MethodPost, path, "{}").refused(t, 403, "wrong_account")
		w.client("alice").ask(http.MethodPost, path, "{}").refused(t, 401, "token_invalid")
		if h := b.send(http.MethodPost, path, "{}", "Content-Type", "application/json"); h.status != http.StatusUnauthorized {
			t.Errorf("%s with a cookie: %d", path, h.status) // attack: CSRF
		}
	}
	for _, path := range []string{miniProfile, miniPhone} {
		w.mini("alice").ask(http.MethodPost, path, "a=b", "Content-Type", "application/x-www-form-urlencoded").refused(t, 415, "not_json")
	}
}

func TestPhone(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors, rules(func(r *site.Rules) { r.Headers = map[site.Field]string{site.FieldPhone: site.HeaderOn} }))
	if err := w.weChat.UpdatePerson(wechattest.Person{ID: "alice", Nickname: "小明 🐼", Phone: "13800138000"}); err != nil {
		t.Fatal(err)
	}
	c, b := w.mini("alice"), w.browser("alice")
	if h := b.consents("/").last().upstream().Header; len(h["X-Wechat-Phone"]) != 0 {
		t.Errorf("a phone that was not given: %v", h)
	}
	once := code{w.weChat.PhoneCode("alice", miniApp)}
	for range 2 { // the second answer is for a client that lost the first
		if got := c.ask(http.MethodPost, miniPhone, once); got.status != http.StatusOK || got.Phone != "+86 13800138000" {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	if n := w.weChat.CountCalls("/wxa/business/getuserphonenumber"); n != 1 {
		t.Errorf("asked WeChat %d times", n)
	}
	for _, h := range []http.Header{c.page("/").Header, b.script(http.MethodGet, "/").upstream().Header} {
		if h.Get("X-Wechat-Phone") != "+86 13800138000" {
			t.Errorf("the app sees %v", h)
		}
	}
	bob := w.mini("bob")
	bob.ask(http.MethodPost, miniPhone, once).refused(t, 403, "foreign_code")
	bob.ask(http.MethodPost, miniPhone, code{"garbage-0123456789"}).refused(t, 400, "code_invalid")
	bob.ask(http.MethodPost, miniPhone, "{}").refused(t, 400, "bad_data")
	bob.ask(http.MethodPost, miniPhone, code{w.weChat.PhoneCode("alice", miniApp)}).refused(t, 403, "foreign_code")
	if h := bob.page("/").Header; len(h["X-Wechat-Phone"]) != 0 {
		t.Errorf("bob has %v", h)
	}
	e, err := w.weChat.EncryptedPhone("bob", miniApp)
	if err != nil {
		t.Fatal(err)
	}
	c.ask(http.MethodPost, miniPhone, e).refused(t, 400, "session_key_stale")
	got := bob.ask(http.MethodPost, miniPhone, e)
	if h := bob.page("/").Header; got.status != http.StatusOK || !strings.HasPrefix(got.Phone, "+86 199") || h.Get("X-Wechat-Phone") != got.Phone {
		t.Errorf("of an old client: %d %s, the app sees %q", got.status, got.body, h.Get("X-Wechat-Phone"))
	}
}

// The phone number is the upstream's only where the operator says so; nobody
// else can send it in any case.
func TestPhoneHeader(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"": "", site.HeaderOff: "", site.HeaderOn: "X-Wechat-Phone", "x-phone": "X-Phone"} {
		w := newTown(t, doors, rules(func(r *site.Rules) { r.Headers = map[site.Field]string{site.FieldPhone: setting} }))
		c := w.mini("alice")
		if got := c.ask(http.MethodPost, miniPhone, code{w.weChat.PhoneCode("alice", miniApp)}); got.status != http.StatusOK {
			t.Fatal(got.body)
		}
		// What another site's mini program was told is not this site's.
		if _, err := w.ledger.Observe(t.Context(), ledger.Observation{
			AppID: otherMini, OpenID: w.weChat.OpenID("alice", otherMini), UnionID: w.weChat.UnionID("alice", otherMini),
			Phone: "+86 13700137000", At: time.Now().Add(2 * time.Hour),
		}); err != nil {
			t.Fatal(err)
		}
		h := c.ask(http.MethodGet, "/", nil, "X-Wechat-Phone", "+86 110", "X_Wechat_Phone", "+86 110").upstream().Header
		for name, values := range h {
			if strings.HasPrefix(values[0], "+86 ") && name != want {
				t.Errorf("%q: %s: %q", setting, name, values)
			}
		}
		if want != "" && !strings.HasPrefix(h.Get(want), "+86 199") {
			t.Errorf("%q: %v", setting, h)
		}
	}
}

// Who is erased while WeChat is asked does not come back by its answer.
func TestErasedWhileWeChatIsAsked(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	c := w.mini("alice")
	id := c.page("/").Header.Get("X-Wechat-User")
	w.hub.Phone = func(ctx ctx, _, _, _ string) (wechat.Phone, error) {
		return wechat.Phone{CountryCode: "86", Number: "13800138000"}, w.ledger.Erase(ctx, id)
	}
	c.ask(http.MethodPost, miniPhone, code{"code-0123456789"}).refused(t, 401, "token_invalid")
	if p, err := w.ledger.Ledger.FindOpenID(t.Context(), miniApp, w.weChat.OpenID("alice", miniApp)); err == nil {
		t.Errorf("is back as %s", p.ID)
	}
	w.hub.Phone = nil
	w.mini("alice").ask(http.MethodPost, miniPhone, code{"code-0123456789"}).refused(t, 404, "not_found")
}

// Refusals in an app are told, to a bound, and name nobody.
func TestDeclinedInTheApp(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	w.ledger.SetTargets([]ledger.Target{{Name: "crm"}})
	c := w.client("alice")
	const path = "/_wechat/mobile-app/app/declined"
	for body, status := range map[string]int{`{"code":-4}`: 200, `{"code":-2}`: 200, `{"code":0}`: 400, `{"code":-1}`: 400, `{}`: 400, `{"code":"-4"}`: 400, `-4`: 400} {
		if got := c.ask(http.MethodPost, path, body); got.status != status {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	reasons := map[string]bool{}
	for _, e := range w.events("crm") {
		reasons[e.Reason] = true
		if e.Kind != ledger.Declined || e.Scope != "mobile_app" || e.AppID != mobileApp || e.Person+e.OpenID+e.UnionID != "" {
			t.Errorf("the business systems hear of %v", e)
		}
	}
	if len(reasons) != 2 || !reasons["app_denied"] || !reasons["app_cancelled"] {
		t.Errorf("reasons %v", reasons)
	}
	w.ledger.failTell(ledger.ErrUnavailable)
	c.ask(http.MethodPost, path, `{"code":-4}`).refused(t, 503, "unavailable")
	w.ledger.failTell(nil)
	for range 7 { // three were before
		c.ask(http.MethodPost, path, `{"code":-4}`)
	}
	if got := c.ask(http.MethodPost, path, `{"code":-4}`); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "60" {
		t.Errorf("a flood: %d %s", got.status, got.body)
	}
	if n := len(w.events("crm")); n != 7 {
		t.Errorf("%d events, want 7", n)
	}
	if got := c.ask(http.MethodPost, "/_wechat/mini-program/mini/declined", `{"code":-4}`); got.status != http.StatusNotFound {
		t.Errorf("of a mini program: %d", got.status)
	}
}
