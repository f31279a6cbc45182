package test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

const (
	miniProfilePath = "/_wechat/mini-program/mini/profile"
	miniPhonePath   = "/_wechat/mini-program/mini/phone"
	miniLoginPath   = "/_wechat/mini-program/mini/login"
	appLoginPath    = "/_wechat/mobile-app/app/login"
)

// signsIn is a client with a token, and the session_key that WeChat made for
// it.
func (d *doorWorld) signsIn(person string) (g *guest, sessionKey string) {
	d.t.Helper()
	before := d.wechat.Issued()
	g = d.guest(person, atMini)
	if err := g.enters(); err != nil {
		d.t.Fatal(err)
	}
	for _, secret := range d.wechat.Issued() {
		if len(secret) == 24 && !slices.Contains(before, secret) {
			return g, secret
		}
	}
	d.t.Fatal("WeChat made no session_key")
	return nil, ""
}

// seal encrypts as WeChat does (wechat-protocol D2.2), or, with pad 0, leaves
// the padding out.
func seal(t *testing.T, sessionKey, clear string, pad bool) (data, iv string) {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(sessionKey)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(clear)
	n := aes.BlockSize - len(text)%aes.BlockSize
	if fill := byte(n); pad {
		text = append(text, bytes.Repeat([]byte{fill}, n)...)
	} else {
		text = append(text, bytes.Repeat([]byte{200}, n)...)
	}
	vector := bytes.Repeat([]byte{7}, aes.BlockSize)
	cipher.NewCBCEncrypter(block, vector).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text), base64.StdEncoding.EncodeToString(vector)
}

// profileOf is what a mini program hands over about a person.
func profileOf(openID, appID string, at time.Time) string {
	return fmt.Sprintf(`{"openId":%q,"nickName":"made","avatarUrl":"","watermark":{"timestamp":%d,"appid":%q}}`, openID, at.Unix(), appID)
}

// handedData is a good profile, made with a session_key.
func handedData(t *testing.T, sessionKey, clear string) wechattest.Encrypted {
	t.Helper()
	e := wechattest.Encrypted{RawData: `{"nickName":"made"}`}
	sum := sha1.Sum([]byte(e.RawData + sessionKey))
	e.Signature = hex.EncodeToString(sum[:])
	e.EncryptedData, e.IV = seal(t, sessionKey, clear, true)
	return e
}

// Whatever is wrong with what a client hands over is refused with a clear
// error; the next good one is taken.
func TestSpoiltDataIsRefused(t *testing.T) {
	d := newDoorWorld(t, doorOptions{})
	g, key := d.signsIn(d.person("lan"))
	openID, now := d.wechat.OpenID("lan", miniAppID), time.Now()
	const another = "AAAAAAAAAAAAAAAAAAAAAA=="
	good := func() wechattest.Encrypted { return handedData(t, key, profileOf(openID, miniAppID, now)) }
	made := func(key, clear string) func() wechattest.Encrypted {
		return func() wechattest.Encrypted {
			e := good()
			e.EncryptedData, e.IV = seal(t, key, clear, true)
			return e
		}
	}
	spoilt := func(f func(*wechattest.Encrypted)) func() wechattest.Encrypted {
		return func() wechattest.Encrypted { e := good(); f(&e); return e }
	}
	tries := map[string]struct {
		data   func() wechattest.Encrypted
		status int
		error  string
	}{
		"wrong key": {made(another, profileOf(openID, miniAppID, now)), 400, "session_key_stale"},
		"wrong padding": {spoilt(func(e *wechattest.Encrypted) {
			e.EncryptedData, e.IV = seal(t, key, profileOf(openID, miniAppID, now), false)
		}), 400, "session_key_stale"},
		"no JSON inside":       {made(key, "nothing of the kind"), 400, "session_key_stale"},
		"signed by another":    {func() wechattest.Encrypted { return handedData(t, another, profileOf(openID, miniAppID, now)) }, 400, "session_key_stale"},
		"foreign app id":       {made(key, profileOf(openID, appID, now)), 403, "foreign_data"},
		"foreign person":       {made(key, profileOf(d.wechat.OpenID("ming", miniAppID), miniAppID, now)), 403, "foreign_data"},
		"no watermark":         {made(key, `{"nickName":"made"}`), 403, "foreign_data"},
		"stale watermark":      {made(key, profileOf(openID, miniAppID, now.Add(-11*time.Minute))), 400, "stale_data"},
		"watermark of later":   {made(key, profileOf(openID, miniAppID, now.Add(5*time.Minute))), 400, "stale_data"},
		"watermark without":    {made(key, strings.Replace(profileOf(openID, miniAppID, now), `"timestamp"`, `"time"`, 1)), 400, "stale_data"},
		"huge timestamp":       {made(key, profileOf(openID, miniAppID, time.Unix(1<<62, 0))), 400, "stale_data"},
		"odd length":           {spoilt(func(e *wechattest.Encrypted) { e.EncryptedData = base64.StdEncoding.EncodeToString(make([]byte, 31)) }), 400, "bad_data"},
		"nothing":              {spoilt(func(e *wechattest.Encrypted) { e.EncryptedData = "" }), 400, "bad_data"},
		"no base64":            {spoilt(func(e *wechattest.Encrypted) { e.EncryptedData = "%%%%" + e.EncryptedData }), 400, "bad_data"},
		"short iv":             {spoilt(func(e *wechattest.Encrypted) { e.IV = base64.StdEncoding.EncodeToString(make([]byte, 15)) }), 400, "bad_data"},
		"long iv":              {spoilt(func(e *wechattest.Encrypted) { e.IV = base64.StdEncoding.EncodeToString(make([]byte, 32)) }), 400, "bad_data"},
		"no iv":                {spoilt(func(e *wechattest.Encrypted) { e.IV = "" }), 400, "bad_data"},
		"one byte":             {spoilt(func(e *wechattest.Encrypted) { e.EncryptedData = "AA==" }), 400, "bad_data"},
		"a block of somebody":  {spoilt(func(e *wechattest.Encrypted) { e.EncryptedData = base64.StdEncoding.EncodeToString(make([]byte, 16)) }), 400, "session_key_stale"},
		"more than is allowed": {spoilt(func(e *wechattest.Encrypted) { e.EncryptedData = strings.Repeat("A", 70<<10) }), 413, "too_large"},
	}
	for name, try := range tries {
		e := try.data()
		g.refused(t, name, miniProfilePath, e, try.status, try.error)
		if name != "signed by another" && name != "foreign person" { // a phone number has neither signature nor openid
			g.refused(t, name+", as a phone number", miniPhonePath, wechattest.Encrypted{EncryptedData: e.EncryptedData, IV: e.IV}, try.status, try.error)
		}
	}
	e := good()
	e.EncryptedData = strings.ReplaceAll(e.EncryptedData, "+", " ") // as forms leave it
	if s, err := g.ask(http.MethodPost, miniProfilePath, e); err != nil || s.status != http.StatusOK || s.User["nickname"] != "made" {
		t.Errorf("a good one: %d %s %v", s.status, s.body, err)
	}
	d.noPanic()
	d.noSecrets()
}

// refused sends something that must be refused, and be no secret's leak.
func (g *guest) refused(t *testing.T, name, path string, body any, status int, word string) {
	t.Helper()
	s, err := g.ask(http.MethodPost, path, body)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if s.status != status || s.Error != word || s.Message == "" {
		t.Errorf("%s: %d %s, want %d %s", name, s.status, s.body, status, word)
	}
}

// noPanic looks for what a panic leaves in the log.
func (d *doorWorld) noPanic() {
	d.t.Helper()
	for line := range strings.Lines(d.log()) {
		if strings.Contains(line, "panic") || strings.Contains(line, "goroutine ") {
			d.t.Errorf("in the log: %s", line)
		}
	}
}

// What WeChat says of a code becomes an answer that tells the client what to
// do.
func TestRefusedCodes(t *testing.T) {
	d := newDoorWorld(t, doorOptions{})
	risky := wechattest.Person{ID: "risky", HighRisk: true}
	if err := d.wechat.AddPerson(risky); err != nil {
		t.Fatal(err)
	}
	g, other := d.guest(d.person("lan"), atMini), d.guest("ming", atMini)
	if err := other.enters(); err != nil {
		t.Fatal(err)
	}
	code := func(code string) map[string]string { return map[string]string{"code": code} }
	spent := d.wechat.MiniProgramCode("lan", miniAppID)
	if answer, err := g.ask(http.MethodGet, d.sim.URL+"/sns/jscode2session?appid="+miniAppID+"&secret="+doorSecrets["MINI_SECRET"]+"&js_code="+spent+"&grant_type=authorization_code", nil); err != nil || !strings.Contains(answer.body, "session_key") {
		t.Fatalf("spending a code elsewhere: %s %v", answer.body, err)
	}
	for name, try := range map[string]struct {
		path, code string
		status     int
		error      string
	}{
		"unknown":                  {miniLoginPath, "0" + strings.Repeat("a", 31), 400, "code_invalid"},
		"spent elsewhere":          {miniLoginPath, spent, 400, "code_invalid"},
		"of an app":                {miniLoginPath, d.wechat.MobileCode("lan", mobileAppID), 400, "code_invalid"},
		"of a page":                {miniLoginPath, d.wechat.IssueCode("lan", appID, "snsapi_userinfo"), 400, "code_invalid"},
		"of a phone button":        {miniLoginPath, d.wechat.PhoneCode("lan", miniAppID), 400, "code_invalid"},
		"at an app, of a program":  {appLoginPath, d.wechat.MiniProgramCode("lan", miniAppID), 400, "code_invalid"},
		"blocked":                  {miniLoginPath, d.wechat.MiniProgramCode("risky", miniAppID), 403, "blocked"},
		"none":                     {miniLoginPath, "", 400, "code_invalid"},
		"at no account":            {"/_wechat/mini-program/other/login", d.wechat.MiniProgramCode("lan", miniAppID), 404, "not_found"},
		"at another kind's":        {"/_wechat/mobile-app/mini/login", d.wechat.MiniProgramCode("lan", miniAppID), 404, "not_found"},
		"a phone's, without token": {miniPhonePath, d.wechat.PhoneCode("lan", miniAppID), 401, "token_invalid"},
	} {
		g.refused(t, name, try.path, code(try.code), try.status, try.error)
	}
	other.refused(t, "somebody else's phone", miniPhonePath, code(d.wechat.PhoneCode("lan", miniAppID)), 403, "foreign_code")
	other.refused(t, "no phone's", miniPhonePath, code(d.wechat.MiniProgramCode("ming", miniAppID)), 400, "code_invalid")
	d.checkFaults(g)
	d.noPanic()
	d.noSecrets()
}

// checkFaults has WeChat fail in its ways, and a good code succeed afterwards.
func (d *doorWorld) checkFaults(g *guest) {
	d.t.Helper()
	for name, try := range map[string]struct {
		quirks         wechattest.Quirks
		status         int
		error, seconds string
	}{
		"too frequent":  {wechattest.Quirks{TooFrequent: wechattest.Knob{On: true}}, 429, "too_frequent", "60"},
		"HTML":          {wechattest.Quirks{HTMLBody: wechattest.Knob{On: true}}, 503, "unavailable", "10"},
		"502":           {wechattest.Quirks{HTTPStatus: wechattest.Number{Value: 502}}, 503, "unavailable", "10"},
		"torn":          {wechattest.Quirks{TruncatedJSON: wechattest.Knob{On: true}}, 503, "unavailable", "10"},
		"wrong secret":  {wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 40125}}, 500, "misconfigured", ""},
		"unknown error": {wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 99999}}, 500, "misconfigured", ""},
	} {
		d.quirks(try.quirks)
		for path, code := range map[string]string{
			miniLoginPath: d.wechat.MiniProgramCode(g.person, miniAppID), appLoginPath: d.wechat.MobileCode(g.person, mobileAppID),
		} {
			s, err := g.ask(http.MethodPost, path, map[string]string{"code": code})
			if err != nil || s.status != try.status || s.Error != try.error || s.header.Get("Retry-After") != try.seconds {
				d.t.Errorf("%s at %s: %d %s, Retry-After %q, %v", name, path, s.status, s.body, s.header.Get("Retry-After"), err)
			}
		}
	}
	d.quirks(wechattest.Quirks{})
	if err := g.enters(); err != nil {
		d.t.Error(err)
	}
}
