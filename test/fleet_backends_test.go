//go:build fleet

package test

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// fleetBackends are the kinds of Redis that operators run. All but the plain
// one ask for passwords, which stand in files.
var fleetBackends = []struct {
	name    string
	options redistest.Options
	start   func(testing.TB, redistest.Options) redistest.Backend
}{
	{"standalone", redistest.Options{}, func(t testing.TB, o redistest.Options) redistest.Backend { return redistest.Standalone(t, o) }},
	{
		"tls",
		redistest.Options{TLS: true, Username: "gateway", Password: "pa55/w:rd@tls"},
		func(t testing.TB, o redistest.Options) redistest.Backend { return redistest.Standalone(t, o) },
	},
	{
		"sentinel",
		redistest.Options{Password: "pa55word", SentinelPassword: "5entinel"},
		func(t testing.TB, o redistest.Options) redistest.Backend { return redistest.SentinelWith(t, o) },
	},
	{
		"cluster",
		redistest.Options{Username: "gateway", Password: "pa55word"},
		func(t testing.TB, o redistest.Options) redistest.Backend { return redistest.ClusterWith(t, o) },
	},
	{
		"sentinel, tls",
		redistest.Options{TLS: true, Password: "pa55word", SentinelPassword: "5entinel"},
		func(t testing.TB, o redistest.Options) redistest.Backend { return redistest.SentinelWith(t, o) },
	},
	{
		"cluster, tls",
		redistest.Options{TLS: true, Username: "gateway", Password: "pa55word"},
		func(t testing.TB, o redistest.Options) redistest.Backend { return redistest.ClusterWith(t, o) },
	},
}

// revokedWithin is how long a session may outlive its end on another gateway.
const revokedWithin = time.Second

// Two gateways are as one, on every kind of Redis.
func TestFleetIsOneGateway(t *testing.T) {
	for _, kind := range fleetBackends {
		t.Run(kind.name, func(t *testing.T) {
			f := newFleet(t)
			f.both(fleetConfig{store: f.redisStore(kind.start(t, kind.options), kind.options), auth: silentBase})
			f.hear()
			f.sharesSessions()
			f.sharesPersons()
			f.sharesDances()
		})
	}
}

// Without a configured key, gateways that share Caddy's storage share the
// generated ones.
func TestFleetSharesGeneratedKeys(t *testing.T) {
	f := newFleet(t)
	server := redistest.Standalone(t, redistest.Options{})
	f.both(fleetConfig{store: f.redisStore(server, redistest.Options{}), keys: []string{}, storage: t.TempDir(), auth: silentBase})
	f.hear()
	f.sharesSessions()
	f.sharesDances()
}

// sharesSessions: signed in on A is signed in on B, signed out on A is signed
// out on B, at once.
func (f *fleet) sharesSessions() {
	f.t.Helper()
	onA := f.visitor("ming", f.a)
	target := shopSite + "/orders/%E5%95%86%E5%93%81?id=7"
	a := onA.signIn(target)
	first := a.told()
	if a.url != target || first == nil {
		f.t.Fatalf("sign-in on A ended at %s with %s: %.200s", a.url, a.Status, a.body)
	}
	onB := onA.on(f.b)
	second := onB.get(target).told()
	want := map[string]string{
		"uri": "/orders/%E5%95%86%E5%93%81?id=7", "X-Wechat-Openid": f.wechat.OpenID("ming", appID),
		"X-Wechat-Unionid": f.wechat.UnionID("ming", appID), "X-Wechat-App-Id": appID, "X-Wechat-Account": "shop",
		"X-Wechat-Scope": "snsapi_userinfo", "X-Wechat-Nickname": "%E5%B0%8F%E6%98%8E",
	}
	for name, value := range want {
		if first[name] != value || second[name] != value {
			f.t.Errorf("%s: A says %q, B says %q, want %q", name, first[name], second[name], value)
		}
	}
	if first["X-Wechat-User"] == "" || first["X-Wechat-User"] != second["X-Wechat-User"] || first["X-Wechat-Avatar"] != second["X-Wechat-Avatar"] {
		f.t.Errorf("A says %v, B says %v", first, second)
	}
	thief := f.visitor("hong", f.b)
	thief.header.Set("Cookie", "wechat="+onA.cookie(shopSite, "wechat"))
	if a := thief.script(shopSite + "/"); a.told()["X-Wechat-User"] != first["X-Wechat-User"] {
		f.t.Fatalf("the cookie before the logout: %s", a.Status)
	}
	if a := onA.logOut(shopSite); a.StatusCode != http.StatusOK {
		f.t.Fatalf("logout: %s %s", a.Status, a.body)
	}
	took := refusedAfter(thief, shopSite+"/")
	f.t.Logf("logout on A, refused on B after %v", took.Round(time.Microsecond))
	if took > revokedWithin {
		f.t.Errorf("refused after %v", took)
	}
}

// refusedAfter asks until the answer is 401 and returns how long that took, the
// way of that answer included.
func refusedAfter(v *visitor, address string) time.Duration {
	v.t.Helper()
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		a := v.script(address)
		switch took := time.Since(begun); {
		case a.StatusCode == http.StatusUnauthorized:
			return took
		case a.StatusCode != http.StatusOK:
			v.t.Fatalf("%s: %.200s", a.Status, a.body)
		case took > 10*time.Second:
			v.t.Fatalf("never refused")
		}
	}
}

// sharesPersons: who signs in silently has no unionid; when consent on the
// other gateway, and a second account, bring it, the person stays the same on
// both.
func (f *fleet) sharesPersons() {
	f.t.Helper()
	onA := f.visitor("hong", f.a)
	onB := onA.on(f.b)
	silent := onA.signIn(shopSite + "/base/page").told()
	if silent == nil || silent["X-Wechat-Unionid"] != "" || silent["X-Wechat-Scope"] != "snsapi_base" {
		f.t.Fatalf("signed in silently: %v", silent)
	}
	if again := onB.get(shopSite + "/base/page").told(); again["X-Wechat-User"] != silent["X-Wechat-User"] {
		f.t.Fatalf("B says %v", again)
	}
	consented := onB.signIn(shopSite + "/page").told()
	union := f.wechat.UnionID("hong", appID)
	if consented["X-Wechat-Unionid"] != union || consented["X-Wechat-User"] != silent["X-Wechat-User"] {
		f.t.Fatalf("after consent on B: %v, before: %v", consented, silent)
	}
	// A remembers the person as they were; it must hear of the change.
	begun := time.Now()
	for onA.get(shopSite + "/page").told()["X-Wechat-Unionid"] != union {
		if time.Since(begun) > revokedWithin {
			f.t.Fatalf("A still does not know the unionid after %v", revokedWithin)
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.t.Logf("unionid attached on B, told by A after %v", time.Since(begun).Round(time.Microsecond))
	club := onA.signIn(clubSite + "/page").told()
	if club["X-Wechat-User"] != silent["X-Wechat-User"] || club["X-Wechat-Account"] != "club" || club["X-Wechat-Unionid"] != union ||
		club["X-Wechat-Openid"] != f.wechat.OpenID("hong", clubAppID) {
		f.t.Errorf("the club's account on A: %v", club)
	}
	if again := onB.get(clubSite + "/page").told(); again["X-Wechat-User"] != silent["X-Wechat-User"] {
		f.t.Errorf("the club's account on B: %v", again)
	}
}
