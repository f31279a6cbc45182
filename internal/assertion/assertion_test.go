package assertion_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-wechat/gateway/internal/assertion"
	"github.com/caddy-wechat/gateway/session"
)

const oldSecret, newSecret = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", "another-session-key-0123456789-abcdef"

var (
	rule = assertion.Rule{Lifetime: assertion.DefaultLifetime, Algorithm: assertion.ES256}
	ming = assertion.Claims{
		Issuer: "https://shop.example.com", Audience: "https://shop.example.com", Subject: "person1", OpenID: "oOpenID1", UnionID: "oUnionID1",
		AppID: "wx1", Account: "main", Scope: "snsapi_userinfo", Nickname: "小明 <\"&🐼\r\n", Avatar: "https://thirdwx.qlogo.cn/a?b=c&d=e", Phone: "+8613800000000",
	}
)

func ringOf(t *testing.T, secrets ...string) *session.Ring {
	t.Helper()
	ring, err := session.NewRing(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func tokenOf(t *testing.T, s *assertion.Signer, r assertion.Rule, c assertion.Claims) string {
	t.Helper()
	token, err := s.Statement(r, c).Token(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return token.String()
}

// keyIDs returns the ids of a list, in its order.
func keyIDs(t *testing.T, s *assertion.Signer, a assertion.Algorithm) (ids []string) {
	t.Helper()
	text, err := s.JWKS(a)
	if err != nil {
		t.Fatal(err)
	}
	var list jose.JSONWebKeySet
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	for _, k := range list.Keys {
		ids = append(ids, k.KeyID)
	}
	return ids
}

// verify returns the id of the key that signed a token, and its claims, as an
// app reads them.
func verify(t *testing.T, s *assertion.Signer, a assertion.Algorithm, token string) (id string, claims map[string]any) {
	t.Helper()
	text, err := s.JWKS(a)
	if err != nil {
		t.Fatal(err)
	}
	var list jose.JSONWebKeySet
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	signed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(a)})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := signed.Verify(list)
	if err != nil {
		t.Fatalf("the list does not verify the token: %v", err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return signed.Signatures[0].Header.KeyID, claims
}

// Gateways of different versions share keys, so what they derive must stay the
// same for ever. Another program has made these lists: HKDF and RFC 7638
// written anew, and the cryptography package of Python.
func TestVectors(t *testing.T) {
	t.Parallel()
	for a, want := range map[assertion.Algorithm]string{
		assertion.ES256: `{"keys":[` +
			`{"use":"sig","kty":"EC","kid":"RAIJmL1mQaLhWhmumU18l-H-Vx0rcbGuipPIRg4DpU0","crv":"P-256","alg":"ES256","x":"BQpGhDXWNx49sHC-WgoSH9kWjL8qelexSshbqIfjjkw","y":"Uq_BPapjHWBAL2R1dIhdbzgbFwRS-YmReDQCm9s_GGs"},` +
			`{"use":"sig","kty":"EC","kid":"BkL-KQnohJqc_gO_HPkWBUlmurS_dwPc8Cd7_zDUk2g","crv":"P-256","alg":"ES256","x":"Bk-YgPdGDG7FMPJNXsfsHWntoNeyXcZSERt-ncP7fzQ","y":"TRQKflEXDlg5ILW1KR3yY5p-8H5Qc0KEqqdG0JZGLww"}]}`,
		assertion.EdDSA: `{"keys":[` +
			`{"use":"sig","kty":"OKP","kid":"ke3_D8IKceyOSAtRdasArerT4idZJdFU5U6wYaBkSzE","crv":"Ed25519","alg":"EdDSA","x":"qQsxKN8bp0PSOlPrINW5OeG0Apdv0NwOOK2SSncsiqw"},` +
			`{"use":"sig","kty":"OKP","kid":"cpbTh6ZbZ1JIdHrNO9BAswyks5NnStoP5vIm-aY0AB0","crv":"Ed25519","alg":"EdDSA","x":"u8jNUKO9aAUNlAVpWRWl3tISVBEQVrkDQu0oH0twfps"}]}`,
	} {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			got, err := (&assertion.Signer{Ring: ringOf(t, oldSecret, newSecret)}).JWKS(a)
			if err != nil || string(got) != want {
				t.Errorf("the list is\n%s, %v; want\n%s", got, err, want)
			}
		})
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	for _, a := range []assertion.Algorithm{assertion.ES256, assertion.EdDSA} {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				signer := &assertion.Signer{Ring: ringOf(t, newSecret, oldSecret)}
				r := rule
				r.Algorithm, r.Lifetime = a, 7*time.Minute
				token := tokenOf(t, signer, r, ming)
				id, claims := verify(t, signer, a, token)
				if ids := keyIDs(t, signer, a); len(ids) != 2 || id != ids[0] {
					t.Errorf("signed by %s, want the first of %v", id, ids)
				}
				header, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
				if want := fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, a, id); err != nil || string(header) != want {
					t.Errorf("header %s, %v; want %s", header, err, want)
				}
				now := float64(time.Now().Unix())
				want := map[string]any{
					"iss": ming.Issuer, "aud": ming.Audience, "sub": ming.Subject, "openid": ming.OpenID, "unionid": ming.UnionID, "app_id": ming.AppID,
					"account": ming.Account, "scope": ming.Scope, "nickname": ming.Nickname, "avatar": ming.Avatar, "phone": ming.Phone,
					"iat": now, "exp": now + 420,
				}
				if fmt.Sprint(claims) != fmt.Sprint(want) {
					t.Errorf("claims\n%v, want\n%v", claims, want)
				}
			})
		})
	}
}

// What is not known is not there, rather than empty.
func TestTokenOfAGuest(t *testing.T) {
	t.Parallel()
	signer := &assertion.Signer{Ring: ringOf(t, oldSecret)}
	guest := assertion.Claims{Issuer: ming.Issuer, Audience: ming.Audience, AppID: "wx1", Account: "main", Snapshot: true}
	_, claims := verify(t, signer, assertion.ES256, tokenOf(t, signer, rule, guest))
	delete(claims, "iat")
	delete(claims, "exp")
	want := map[string]any{"iss": ming.Issuer, "aud": ming.Audience, "app_id": "wx1", "account": "main", "snapshot": true}
	if fmt.Sprint(claims) != fmt.Sprint(want) {
		t.Errorf("claims %v, want %v", claims, want)
	}
}

// A token is signed once a minute, however many requests of the visitor ask at
// once, and whatever asks again after the identity was prepared anew.
func TestTokenIsSignedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signer := &assertion.Signer{Ring: ringOf(t, oldSecret)}
		var tokens sync.Map
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() { tokens.Store(tokenOf(t, signer, rule, ming), true) })
		}
		all.Wait()
		seen := 0
		tokens.Range(func(any, any) bool { seen++; return true })
		if seen != 1 {
			t.Errorf("64 requests got %d tokens, want 1", seen)
		}
		first := tokenOf(t, signer, rule, ming)
		time.Sleep(time.Minute - time.Nanosecond)
		if tokenOf(t, signer, rule, ming) != first {
			t.Error("signed again within a minute")
		}
		time.Sleep(time.Nanosecond)
		if tokenOf(t, signer, rule, ming) == first {
			t.Error("not signed again after a minute")
		}
	})
}

// Attack: the app goes on hearing what was true before. Each claim, and each
// part of the rule, makes another token.
func TestAttackAssertionOfTheIdentityBefore(t *testing.T) {
	t.Parallel()
	signer := &assertion.Signer{Ring: ringOf(t, oldSecret)}
	tokens := map[string]string{tokenOf(t, signer, rule, ming): "ming"}
	for name, change := range map[string]func(*assertion.Claims, *assertion.Rule){
		"issuer":    func(c *assertion.Claims, _ *assertion.Rule) { c.Issuer = "https://b.example.com" },
		"audience":  func(c *assertion.Claims, _ *assertion.Rule) { c.Audience = "b" },
		"person":    func(c *assertion.Claims, _ *assertion.Rule) { c.Subject = "person2" },
		"openid":    func(c *assertion.Claims, _ *assertion.Rule) { c.OpenID = "o2" },
		"unionid":   func(c *assertion.Claims, _ *assertion.Rule) { c.UnionID = "" },
		"app id":    func(c *assertion.Claims, _ *assertion.Rule) { c.AppID = "wx2" },
		"account":   func(c *assertion.Claims, _ *assertion.Rule) { c.Account = "b" },
		"scope":     func(c *assertion.Claims, _ *assertion.Rule) { c.Scope = "snsapi_base" },
		"nickname":  func(c *assertion.Claims, _ *assertion.Rule) { c.Nickname = "" },
		"avatar":    func(c *assertion.Claims, _ *assertion.Rule) { c.Avatar = "" },
		"phone":     func(c *assertion.Claims, _ *assertion.Rule) { c.Phone = "" },
		"snapshot":  func(c *assertion.Claims, _ *assertion.Rule) { c.Snapshot = true },
		"lifetime":  func(_ *assertion.Claims, r *assertion.Rule) { r.Lifetime = time.Hour },
		"algorithm": func(_ *assertion.Claims, r *assertion.Rule) { r.Algorithm = assertion.EdDSA },
		"moved":     func(c *assertion.Claims, _ *assertion.Rule) { c.Nickname, c.Avatar = c.Avatar, c.Nickname },
	} {
		c, r := ming, rule
		change(&c, &r)
		token := tokenOf(t, signer, r, c)
		if other := tokens[token]; other != "" {
			t.Errorf("another %s: the token is that of: %s", name, other)
		}
		tokens[token] = name
	}
	if token := tokenOf(t, signer, rule, ming); tokens[token] != "ming" {
		t.Error("the first token is not found again")
	}
}

// memory is a storage of keys.
type memory struct {
	mu   sync.Mutex
	data []byte
}

func (m *memory) Load(context.Context, string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.data == nil {
		return nil, fs.ErrNotExist
	}
	return m.data, nil
}

func (m *memory) Store(_ context.Context, _ string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = data
	return nil
}

func (*memory) Lock(context.Context, string) error   { return nil }
func (*memory) Unlock(context.Context, string) error { return nil }

// Attack: a key has leaked and is withdrawn, and a token that it signed a
// moment ago is sent on from memory, or its public key is still listed.
func TestAttackAssertionOfAWithdrawnKey(t *testing.T) {
	t.Parallel()
	keeper := &session.KeyManager{Storage: new(memory), Name: "keys"}
	ring, err := keeper.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []assertion.Algorithm{assertion.ES256, assertion.EdDSA} {
		signer, r := &assertion.Signer{Ring: ring}, rule
		r.Algorithm = a
		statement := signer.Statement(r, ming) // held by a prepared identity
		before, err := statement.Token(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		leaked, _ := verify(t, signer, a, before.String())
		if _, err := keeper.RetireNow(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, err := statement.Token(time.Now())
		if err != nil || after.String() == before.String() {
			t.Fatalf("%s: the token of the withdrawn key is sent on (%v)", a, err)
		}
		id, _ := verify(t, signer, a, after.String())
		if ids := keyIDs(t, signer, a); len(ids) != 1 || ids[0] != id || id == leaked {
			t.Errorf("%s: %v are listed and %s signs, after %s was withdrawn", a, ids, id, leaked)
		}
	}
}

// The next key is listed for a day before it signs, and its coming alone makes
// no token anew.
func TestNextKeyIsListedFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keeper := &session.KeyManager{Storage: new(memory), Name: "keys"}
		ring, err := keeper.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		signer := &assertion.Signer{Ring: ring}
		first := tokenOf(t, signer, rule, ming)
		old, _ := verify(t, signer, assertion.ES256, first)
		if _, err := keeper.AddKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		ids := keyIDs(t, signer, assertion.ES256)
		if len(ids) != 2 || ids[0] != old {
			t.Fatalf("listed are %v, want %s and the next one", ids, old)
		}
		if tokenOf(t, signer, rule, ming) != first {
			t.Error("signed again because the next key came")
		}
		signsAfter := func(d time.Duration) string {
			time.Sleep(d)
			if err := keeper.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			id, _ := verify(t, signer, assertion.ES256, tokenOf(t, signer, rule, ming))
			return id
		}
		if id := signsAfter(24*time.Hour - time.Second); id != old {
			t.Errorf("before a day, %s signs, want %s", id, old)
		}
		if id := signsAfter(time.Second); id != ids[1] {
			t.Errorf("after a day, %s signs, want %s", id, ids[1])
		}
	})
}

// Without a key there is an error and no token.
func TestNoKey(t *testing.T) {
	t.Parallel()
	signer := &assertion.Signer{Ring: new(session.Ring)}
	token, err := signer.Statement(rule, ming).Token(time.Now())
	if token != nil || !errors.Is(err, assertion.ErrUnsigned) || !errors.Is(err, session.ErrNoKey) {
		t.Errorf("got %v, %v; want ErrUnsigned", token, err)
	}
	if list, err := signer.JWKS(assertion.ES256); list != nil || !errors.Is(err, assertion.ErrUnsigned) {
		t.Errorf("listed %q, %v; want ErrUnsigned", list, err)
	}
}

// Attack: visitors without end fill the memory.
func TestAttackStatementsAreBounded(t *testing.T) {
	t.Parallel()
	signer := &assertion.Signer{Ring: ringOf(t, oldSecret)}
	c := ming
	for i := range 40000 {
		c.Subject = fmt.Sprint(i)
		signer.Statement(rule, c)
	}
	if n := signer.Kept(); n > 16384 || n < 10000 {
		t.Errorf("%d statements are kept, want at most 16384", n)
	}
}

func BenchmarkTokenFromMemory(b *testing.B) {
	ring, err := session.NewRing(oldSecret)
	if err != nil {
		b.Fatal(err)
	}
	statement := (&assertion.Signer{Ring: ring}).Statement(rule, ming)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := statement.Token(time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
