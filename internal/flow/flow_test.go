package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// testSecret is a browser's secret.
const testSecret = "SECRETSECRETSECRETSECRET22"

func shopSealer(t testing.TB) Sealer {
	return Sealer{Keys: testRing(t, "k"), Bound: shopOrigin + "|" + shopApp}
}

var flowPath = regexp.MustCompile(`^/_wechat/callback/[A-Z2-7]{26}/[A-Za-z0-9_-]+$`)

func TestFlowThereAndBack(t *testing.T) {
	t.Parallel()
	sealer := shopSealer(t)
	for _, target := range []string{
		"/", "/cart?a=1&b=<2>#/c", "/商品?q=值", "/gbk?q=\xb9\xfa", `/q?"\u0026"`,
		"/?" + strings.Repeat("&", request.MaxTarget-2), "/?" + strings.Repeat(`"`, request.MaxTarget-2), "/?" + strings.Repeat("\xff", request.MaxTarget-2),
	} {
		flow, binding := New(target, wechat.ScopeUserInfo, MaxAttempts, true, testSecret)
		path, err := sealer.Path(flow)
		if err != nil || !flowPath.MatchString(path) {
			t.Fatalf("%.40q: path %q, %v", target, path, err)
		}
		back, err := sealer.Open(path)
		if err != nil || !reflect.DeepEqual(back, flow) {
			t.Fatalf("%.40q: %+v, %v", target, back, err)
		}
		if strings.Contains(path, binding) || len(flow.Binding) != 32 {
			t.Error("the binding cookie's value travels in the address")
		}
	}
}

// A sign-in that was under way when the gateway was replaced ends well: its
// address was sealed in the longer form.
func TestFlowOfBeforeOpens(t *testing.T) {
	t.Parallel()
	sealer := shopSealer(t)
	flow, _ := New("/cart?a=1", wechat.ScopeUserInfo, 1, true, testSecret)
	plain, err := json.Marshal(flow)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealer.Keys.Seal(session.PurposeFlow, sealer.Bound+"|"+flow.ID, append(append(plain, '\n'), flow.Target...))
	if err != nil {
		t.Fatal(err)
	}
	if back, err := sealer.Open(CallbackPath + flow.ID + "/" + sealed); err != nil || !reflect.DeepEqual(back, flow) {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestFlowsDiffer(t *testing.T) {
	t.Parallel()
	sealer := shopSealer(t)
	a, bindingA := New("/", wechat.ScopeBase, 0, false, testSecret)
	b, bindingB := New("/", wechat.ScopeBase, 0, false, testSecret)
	if a.ID == b.ID || bindingA == bindingB || sealer.State(a.ID) == sealer.State(b.ID) {
		t.Error("two flows share id, binding or state")
	}
	if state := sealer.State(a.ID); !regexp.MustCompile(`^[a-zA-Z0-9]{1,128}$`).MatchString(state) || strings.Contains(state, a.ID) {
		t.Errorf("state %q", state) // (wechat-protocol A1.2)
	}
}

// Attack 18: what was made for another site, account, key or flow is nothing.
func TestAttack18ForeignFlows(t *testing.T) {
	t.Parallel()
	sealer := shopSealer(t)
	flow, _ := New("/x", wechat.ScopeBase, 0, false, testSecret)
	other, _ := New("/y", wechat.ScopeBase, 0, false, testSecret)
	path, err := sealer.Path(flow)
	if err != nil {
		t.Fatal(err)
	}
	_, sealed, _ := strings.Cut(strings.TrimPrefix(path, CallbackPath), "/")
	for name, open := range map[string]struct {
		sealer Sealer
		Path   string
	}{
		"site":           {Sealer{sealer.Keys, "https://other.example.com|" + shopApp}, path},
		"account":        {Sealer{sealer.Keys, shopOrigin + "|wxother"}, path},
		"key":            {Sealer{testRing(t, "z"), sealer.Bound}, path},
		"id":             {sealer, CallbackPath + other.ID + "/" + sealed},
		"no id":          {sealer, CallbackPath + "/" + sealed},
		"long id":        {sealer, CallbackPath + strings.Repeat("A", 65) + "/" + sealed},
		"no flow":        {sealer, CallbackPath + flow.ID},
		"empty flow":     {sealer, CallbackPath + flow.ID + "/"},
		"nothing":        {sealer, CallbackPath},
		"elsewhere":      {sealer, "/x/" + flow.ID + "/" + sealed},
		"cut":            {sealer, path[:len(path)-1]},
		"longer":         {sealer, path + "A"},
		"with a segment": {sealer, path + "/x"},
		"escaped":        {sealer, strings.Replace(path, "callback/", "callback%2F", 1)},
		"huge":           {sealer, CallbackPath + flow.ID + "/" + strings.Repeat("A", 1<<16)},
	} {
		if f, err := open.sealer.Open(open.Path); !errors.Is(err, errNone) || f.ID != "" {
			t.Errorf("%s: opens: %+v, %v", name, f, err)
		}
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	sealer := shopSealer(t)
	flow, _ := New("/", wechat.ScopeBase, 0, false, testSecret)
	other, _ := New("/", wechat.ScopeBase, 0, false, testSecret)
	state := sealer.State(flow.ID)
	if !sealer.StateIs(flow.ID, state) || !sealer.StateIs(flow.ID, strings.ToUpper(state)) {
		t.Error("the flow's own state does not count")
	}
	for name, wrong := range map[string]string{
		"empty": "", "cut": state[:62], "odd": state[:63], "longer": state + "00", "no hex": strings.Repeat("z", 64), "another flow's": sealer.State(other.ID),
		"an address put behind it": state + "https://x", "another site's": Sealer{sealer.Keys, "https://other.example.com|" + shopApp}.State(flow.ID),
		"zeros": hex.EncodeToString(make([]byte, 32)),
	} {
		if sealer.StateIs(flow.ID, wrong) {
			t.Errorf("%s counts: %q", name, wrong)
		}
	}
}

func TestFlowExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		flow, _ := New("/", wechat.ScopeBase, 0, false, testSecret)
		time.Sleep(cookies.FlowLife)
		if flow.Expired() {
			t.Error("over too early")
		}
		time.Sleep(time.Second)
		if !flow.Expired() {
			t.Errorf("still good after %v", cookies.FlowLife)
		}
		flow.Begun = time.Now().Add(cookies.FlowLife + time.Minute).Unix()
		if !flow.Expired() {
			t.Error("a flow from the future is good")
		}
	})
}

func TestBinding(t *testing.T) {
	t.Parallel()
	flow, value := New("/", wechat.ScopeBase, 0, false, testSecret)
	w := httptest.NewRecorder()
	cookies.Flow.SetAt(w, cookies.Scope{Secure: true}, CallbackPath+flow.ID, value)
	if got, want := w.Header().Get("Set-Cookie"), "__Secure-wechat-flow="+value+"; Path=/_wechat/callback/"+flow.ID+"; Max-Age=600; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("cookie %s, want %s", got, want)
	}
	here := cookies.Scope{Secure: true}
	with := func(pairs ...string) *http.Request {
		return newRequest(t, "GET", "/", "Cookie", strings.Join(pairs, "; "))
	}
	bound := func(f Flow, r *http.Request) bool { return f.BoundTo(r, here, cookies.ReadSecrets(r, here)) }
	good, secret := "__Secure-wechat-flow="+value, "__Host-wechat-browser-abc234="+testSecret
	other := strings.Repeat("A", cookies.SecretLength)
	before := sha256.Sum256([]byte(value)) // of the path's cookie alone, as it was once
	for name, c := range map[string]struct {
		r    *http.Request
		want bool
	}{
		"good":                        {with(good, secret), true},
		"second of two":               {with("__Secure-wechat-flow=planted", good, secret), true},
		"fourth":                      {with("__Secure-wechat-flow=1", "__Secure-wechat-flow=2", "__Secure-wechat-flow=3", good, secret), true},
		"behind a flood":              {with(strings.Repeat("__Secure-wechat-flow=1; ", 1000), good, secret), false},
		"any secret":                  {with(good, "__Host-wechat-browser-aaaaaa="+other, secret), true},
		"a secret behind a flood":     {with(good, strings.Repeat("__Host-wechat-browser-aaaaaa="+other+"; ", cookies.MaxSecrets), secret), false},
		"none":                        {with("a=b"), false},
		"no secret":                   {with(good), false},
		"the secret alone":            {with(secret), false},
		"another secret":              {with(good, "__Host-wechat-browser-abc234="+other), false},
		"a secret that was planted":   {with(good, "__Secure-wechat-browser-abc234="+testSecret), false},
		"a secret from plain http":    {with(good, "wechat-browser-abc234="+testSecret), false},
		"a secret of another port":    {with(good, "__Host-wechat-browser-abc234-8443="+testSecret), false},
		"a secret without its name":   {with(good, "__Host-wechat-browser="+testSecret), false},
		"an empty secret":             {with(good, "__Host-wechat-browser-abc234="), false},
		"another":                     {with("__Secure-wechat-flow="+strings.Repeat("A", 26), secret), false},
		"empty":                       {with("__Secure-wechat-flow=", secret), false},
		"the two the other way round": {with("__Secure-wechat-flow="+testSecret, "__Host-wechat-browser-abc234="+value), false},
		"the digest, not the text":    {with("__Secure-wechat-flow="+hex.EncodeToString(flow.Binding), secret), false},
		"from plain http":             {with("wechat-flow="+value, secret), false},
		"a ticket's or a scan's":      {with("__Secure-wechat-ticket="+value, "__Secure-wechat-scan="+value, secret), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := bound(flow, c.r); got != c.want {
				t.Errorf("bound %t", got)
			}
		})
	}
	for _, f := range []Flow{{}, {Binding: flow.Binding[:8]}, {Binding: before[:]}} {
		if bound(f, with(good, secret)) || bound(f, with("__Secure-wechat-flow=", secret)) {
			t.Errorf("a flow with the binding %x is bound", f.Binding)
		}
	}
}

func FuzzFlowOpen(f *testing.F) {
	sealer := shopSealer(f)
	flow, _ := New("/x", wechat.ScopeBase, 0, false, testSecret)
	good, err := sealer.Path(flow)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{good, CallbackPath, CallbackPath + "/", "", "/", CallbackPath + flow.ID + "/!", strings.ToLower(good)} {
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, path, state string) {
		got, err := sealer.Open(path)
		switch {
		case err != nil:
			if !errors.Is(err, errNone) || got.ID != "" {
				t.Fatalf("%q: %+v, %v", path, got, err)
			}
		// Seeds of another process open too: they were sealed with the same
		// key.
		case !strings.HasPrefix(path, CallbackPath+got.ID+"/") || len(got.ID) != 26 || request.CleanTarget(got.Target) != got.Target:
			t.Fatalf("%q opens as %+v", path, got)
		}
		if sealer.StateIs(flow.ID, state) && !strings.EqualFold(state, sealer.State(flow.ID)) {
			t.Fatalf("state %q counts", state)
		}
	})
}
