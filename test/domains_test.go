package test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/session"
)

// Ensures that two sites share one callback host, on two gateways, and nothing
// else: each has its own session, and a sign-out on one leaves the other.
func TestBrowserTwoSitesShareAnAuthHost(t *testing.T) {
	d := newDomains(t, withoutApp)
	b := d.phone("ming")
	b.open(newsHost + "/a?b=1&c=%2F")
	b.arrives(newsHost + "/a?b=1&c=%2F")
	b.sees("app: /a?b=1&c=%2F")
	if b.session(newsHost) == "" || b.session(shopHost) != "" || b.session(authHost) != "" {
		t.Errorf("sessions: news %t, shop %t, auth %t", b.session(newsHost) != "", b.session(shopHost) != "", b.session(authHost) != "")
	}
	b.signsIn(shopHost + "/account/orders?id=7")
	news, shop := d.app.last(t, "/a?b=1&c=%2F"), d.app.last(t, "/account/orders?id=7")
	if news["x-wechat-openid"] != d.wechat.OpenID("ming", appID) || news["x-wechat-user"] != shop["x-wechat-user"] || news["x-wechat-nickname"] != "" || shop["x-wechat-nickname"] == "" {
		t.Errorf("news was told %v, shop %v", news, shop)
	}
	if b.session(newsHost) == b.session(shopHost) {
		t.Error("both sites have one session")
	}
	gateways := map[int]bool{}
	callbacks := 0
	for _, p := range d.take() {
		gateways[p.gateway] = true
		if strings.HasPrefix(p.url, authHost) {
			callbacks++
		}
	}
	if len(gateways) != 2 || callbacks != 3 { // news; shop, silently and with consent
		t.Errorf("gateways %v, %d callbacks at the auth host", gateways, callbacks)
	}
	b.run("fetch('/_wechat/logout', {method: 'POST'}).then(r => { document.title = 'logout ' + r.status })")
	b.is("is signed out", "document.title === 'logout 200'")
	b.open(newsHost + "/b")
	b.arrives(newsHost + "/b")
	for _, p := range d.take() {
		if strings.HasPrefix(p.url, authHost) {
			t.Errorf("a sign-out on shop signed news out: %s", p.url)
		}
	}
}

// Ensures that a sign-in may begin, be called back and end on any of the two
// gateways.
func TestBrowserSignInCrossesGateways(t *testing.T) {
	d := newDomains(t, withoutApp)
	b := d.phone("ming")
	for n := range 8 {
		begin, auth, end := n&1, n>>1&1, n>>2&1
		t.Run(fmt.Sprintf("begins at %d, called back at %d, ends at %d", begin, auth, end), func(t *testing.T) {
			b.t = t
			b.empty("ming")
			d.through(func(r *http.Request) int {
				switch {
				case "https://"+r.Host == authHost:
					return auth
				case strings.HasPrefix(r.URL.Path, "/_wechat/callback/"):
					return end
				default:
					return begin
				}
			})
			page := fmt.Sprintf("/page?n=%d", n)
			b.open(shopHost + page)
			b.arrives(shopHost + page)
			b.sees("app: " + page)
			if got := d.app.last(t, page); got["x-wechat-openid"] != d.wechat.OpenID("ming", appID) {
				t.Errorf("the app was told %v", got)
			}
		})
	}
	b.t = t
}

// attacked are two browsers before one attack, without cookies.
type attacked struct {
	*domains
	ming, hong *browser
}

// Attack: an address that WeChat did not make for this browser, site and
// sign-in is brought to the callback host. It signs the browser in as no
// person, and spends no code: the visitor whose code it holds signs in with it
// afterwards.
func TestAttackForeignCallbacksOfTwoSites(t *testing.T) {
	d := newDomains(t, withoutApp)
	a := attacked{d, d.phone("ming"), d.phone("hong")}
	for name, row := range map[string]struct {
		// prepare returns the browser, the address that is brought, and the
		// address that WeChat made for ming.
		prepare func(t *testing.T) (b *browser, forged, genuine string)
	}{
		"state of another site": {func(t *testing.T) (*browser, string, string) {
			shop, news := a.begins(a.ming, shopHost+"/x"), a.begins(a.ming, newsHost+"/x")
			return a.ming, with(t, shop, "state", parameter(t, news, "state")), shop
		}},
		"state of another sign-in": {func(t *testing.T) (*browser, string, string) {
			one, two := a.begins(a.ming, shopHost+"/x"), a.begins(a.ming, shopHost+"/y")
			return a.ming, with(t, one, "state", parameter(t, two, "state")), one
		}},
		"no state": {func(t *testing.T) (*browser, string, string) {
			one := a.begins(a.ming, shopHost+"/x")
			return a.ming, with(t, one, "state", ""), one
		}},
		"flow of another site": {func(*testing.T) (*browser, string, string) {
			shop := a.begins(a.ming, shopHost+"/x")
			return a.ming, strings.Replace(shop, "/at/https/shop.test/", "/at/https/news.test/", 1), shop
		}},
		"callback of another browser": {func(*testing.T) (*browser, string, string) {
			shop := a.begins(a.ming, shopHost+"/x")
			return a.hong, shop, shop
		}},
		"callback of another browser that has begun, too": {func(*testing.T) (*browser, string, string) {
			shop := a.begins(a.ming, shopHost+"/x")
			a.begins(a.hong, shopHost+"/x")
			return a.hong, shop, shop
		}},
		"binding cookie of another sign-in": {func(t *testing.T) (*browser, string, string) {
			one, two, genuine := a.begins(a.ming, shopHost+"/x"), a.begins(a.ming, shopHost+"/y"), a.begins(a.ming, shopHost+"/z")
			a.ming.plants(t, a.ming, two, one)
			return a.ming, one, genuine
		}},
		"binding cookie planted by a neighbour": {func(t *testing.T) (*browser, string, string) {
			genuine, hongs := a.begins(a.ming, shopHost+"/x"), a.begins(a.hong, shopHost+"/x")
			a.ming.plants(t, a.hong, hongs, hongs)
			return a.ming, hongs, genuine
		}},
		"a foreign host": {func(*testing.T) (*browser, string, string) {
			shop := a.begins(a.ming, shopHost+"/x")
			return a.ming, strings.Replace(shop, "/at/https/shop.test/", "/at/https/evil.test/", 1), shop
		}},
		"a site over plain http": {func(*testing.T) (*browser, string, string) {
			shop := a.begins(a.ming, shopHost+"/x")
			return a.ming, strings.Replace(shop, "/at/https/shop.test/", "/at/http/shop.test/", 1), shop
		}},
		"a sign-in older than ten minutes": {func(t *testing.T) (*browser, string, string) {
			one, genuine := a.begins(a.ming, shopHost+"/x"), a.begins(a.ming, shopHost+"/y")
			return a.ming, aged(t, one, 601*time.Second), genuine
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a.begin(t)
			b, forged, genuine := row.prepare(t)
			a.leadsNowhere(b, forged, 0)
			a.ming.open(genuine)
			a.ming.sees("app: /")
			if got := a.app.take(); len(got) != 1 || identity(t, got[0])["x-wechat-openid"] != a.wechat.OpenID("ming", appID) {
				t.Errorf("the genuine callback afterwards: the app got %v", got)
			}
		})
	}
	a.rest(t)
}

// Attack: a callback is used again, or its code in another sign-in, after it
// has signed its visitor in.
func TestAttackReplayedCallbacksOfTwoSites(t *testing.T) {
	d := newDomains(t, withoutApp)
	a := attacked{d, d.phone("ming"), d.phone("hong")}
	for name, row := range map[string]struct {
		prepare func(t *testing.T, used string) (b *browser, replayed string)
		asked   int // how often WeChat may be asked, and refuses
	}{
		"after the sign-out": {func(_ *testing.T, used string) (*browser, string) {
			a.ming.run("fetch('/_wechat/logout', {method: 'POST'}).then(r => { document.title = 'logout ' + r.status })")
			a.ming.is("is signed out", "document.title === 'logout 200'")
			return a.ming, used
		}, 0},
		"in a browser that lost its cookies": {func(_ *testing.T, used string) (*browser, string) {
			a.ming.empty("ming")
			return a.ming, used
		}, 0},
		"in another browser": {func(_ *testing.T, used string) (*browser, string) { return a.hong, used }, 0},
		"at another site": {func(_ *testing.T, used string) (*browser, string) {
			a.ming.forgets(shopHost)
			return a.ming, strings.Replace(used, "/at/https/shop.test/", "/at/https/news.test/", 1)
		}, 0},
		"its code in a sign-in of another browser": {func(t *testing.T, used string) (*browser, string) {
			return a.hong, with(t, a.begins(a.hong, shopHost+"/x"), "code", parameter(t, used, "code"))
		}, 1},
		"its code in a sign-in at another site": {func(t *testing.T, used string) (*browser, string) {
			return a.hong, with(t, a.begins(a.hong, newsHost+"/x"), "code", parameter(t, used, "code"))
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			a.begin(t)
			used := a.begins(a.ming, shopHost+"/first")
			a.ming.open(used)
			a.ming.arrives(shopHost + "/first")
			before := a.wechat.CountCalls("token")
			a.ming.open(used) // a reload of the signed-in visitor does no harm
			a.ming.arrives(shopHost + "/first")
			if again := a.wechat.CountCalls("token") - before; again != 0 {
				t.Errorf("a reload asked WeChat %d times", again)
			}
			b, replayed := row.prepare(t, used)
			a.leadsNowhere(b, replayed, row.asked)
		})
	}
	a.rest(t)
}

// begin makes both browsers new ones.
func (a attacked) begin(t *testing.T) {
	t.Helper()
	a.t, a.ming.t, a.hong.t = t, t, t
	a.ming.empty("ming")
	a.hong.empty("hong")
	a.app.take()
}

// rest gives the browsers and the world back to the whole test.
func (a attacked) rest(t *testing.T) { a.t, a.ming.t, a.hong.t = t, t, t }

// leadsNowhere opens an address. The gateways may begin a new sign-in then,
// which is held before it ends.
func (a attacked) leadsNowhere(b *browser, address string, asked int) {
	a.t.Helper()
	a.holdCallbacks(true, address)
	defer a.holdCallbacks(false, "")
	before := a.wechat.CountCalls("token")
	a.take()
	a.app.take()
	b.open(address)
	b.rests()
	if got := a.app.take(); len(got) != 0 {
		a.t.Errorf("the app was reached: %v", got)
	}
	for _, site := range []string{shopHost, newsHost, authHost} {
		if b.session(site) != "" {
			a.t.Errorf("the browser has a session on %s", site)
		}
	}
	if got := a.wechat.CountCalls("token") - before; got > asked {
		a.t.Errorf("WeChat was asked %d times, want %d at most", got, asked)
	}
	passed := a.take()
	if len(passed) == 0 || passed[0].url != address || passed[0].gateway < 0 {
		a.t.Errorf("no gateway was asked for %s: %+v", address, passed)
	}
	for _, p := range passed {
		u, err := url.Parse(p.url)
		if err != nil || !slices.Contains([]string{"auth.test", "shop.test", "news.test"}, u.Host) {
			a.t.Errorf("the browser was sent to %s (%v)", p.url, err)
		}
	}
	if !b.shows("held at the load balancer") && !strings.Contains(b.address(), "/_wechat/callback/") {
		a.t.Errorf("the browser is %s", b.situation())
	}
}

// flowPath is the part of a callback at the auth host that is the same at the
// site, and its site.
func flowPath(t *testing.T, address string) (site, path string) {
	t.Helper()
	rest, ok := strings.CutPrefix(address, authHost+"/_wechat/callback/at/https/")
	host, rest, ok2 := strings.Cut(rest, "/")
	path, _, ok3 := strings.Cut(rest, "?")
	if !ok || !ok2 || !ok3 {
		t.Fatalf("no callback of a site: %s", address)
	}
	return "https://" + host, flow.CallbackPath + path
}

// plants gives the browser the binding cookie that another one has for a
// callback, as the cookie of a callback.
func (b *browser) plants(t *testing.T, from *browser, of, as string) {
	t.Helper()
	site, ofPath := flowPath(t, of)
	_, asPath := flowPath(t, as)
	cookies := from.cookies(site + ofPath)
	i := slices.IndexFunc(cookies, func(c *network.Cookie) bool { return strings.HasSuffix(c.Name, "wechat-flow") })
	if i < 0 {
		t.Fatalf("no binding cookie among %d", len(cookies))
	}
	folder := asPath[:strings.LastIndex(asPath, "/")]
	b.do(network.SetCookie(cookies[i].Name, cookies[i].Value).WithURL(site).WithPath(folder).WithSecure(true).WithHTTPOnly(true))
}

// parameter is a parameter of an address.
func parameter(t *testing.T, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || !u.Query().Has(name) {
		t.Fatalf("%s has no %s (%v)", address, name, err)
	}
	return u.Query().Get(name)
}

// with is an address with another value of a parameter.
func with(t *testing.T, address, name, value string) string {
	t.Helper()
	old := parameter(t, address, name)
	return strings.Replace(address, name+"="+old, name+"="+value, 1)
}

// aged is a callback whose sign-in began earlier than it did: the test has the
// gateways' key.
func aged(t *testing.T, address string, age time.Duration) string {
	t.Helper()
	ring, err := session.NewRing(domainsKey)
	if err != nil {
		t.Fatal(err)
	}
	site, path := flowPath(t, address)
	sealer := flow.Sealer{Keys: ring, Bound: site + "|" + appID}
	f, err := sealer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Begun -= int64(age / time.Second)
	old, err := sealer.Path(f)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(address, strings.TrimPrefix(path, flow.CallbackPath), strings.TrimPrefix(old, flow.CallbackPath), 1)
}

var regexpCode = regexp.MustCompile(`code=[^&]+`)

// link is what an attacker sends: WeChat's own address, with a page of a host
// to come back to.
func (d *domains) link(page string) string {
	return d.sim.URL + "/connect/oauth2/authorize?appid=" + appID + "&redirect_uri=" + url.QueryEscape(page) +
		"&response_type=code&scope=snsapi_base&state=x#wechat_redirect"
}

// Attack: a link leads through WeChat to a page of the attacker's choice, so
// that an app finds the visitor's code in its address. WeChat refuses each host
// but the callback host, and there no app runs: the code reaches no app, and no
// other host.
func TestAttackCodeForAPageOfTheCallbackHost(t *testing.T) {
	d := newDomains(t, withoutApp)
	b := d.phone("ming")
	b.open(shopHost + "/first")
	b.arrives(shopHost + "/first")
	d.app.take()
	d.take()
	for _, page := range []string{authHost + "/anything?next=https%3A%2F%2Fevil.test%2F", authHost + "/_wechat/login?return_to=//evil.test/", shopHost + "/steal"} {
		t.Run(page, func(t *testing.T) {
			b.t = t
			b.open(d.link(page))
			b.rests()
			if got := d.app.take(); len(got) != 0 {
				t.Errorf("the app got %v", got)
			}
			if refused := b.shows("域名与后台配置不一致"); refused != strings.HasPrefix(page, shopHost) {
				t.Errorf("WeChat refuses it: %t", refused)
			}
			for _, p := range d.take() {
				code := regexpCode.FindString(p.url)
				if !strings.HasPrefix(p.url, authHost) || code != "" && strings.Contains(p.location, code) && !strings.HasPrefix(p.location, authHost) {
					t.Errorf("%s leads to %s", p.url, p.location)
				}
			}
		})
	}
	b.t = t
}

// What docs/domains.md warns of: an app on the callback host reads the code of
// a visitor, and the code signs another browser in, on every site. WeChat does
// not bind codes, so the gateway cannot tell. If this test fails, the document
// is out of date.
func TestCodeThatAnAppGivesAwaySignsItsFinderIn(t *testing.T) {
	d := newDomains(t, withApp)
	victim, finder := d.phone("ming"), d.phone("hong")
	victim.open(authHost + "/welcome")
	victim.sees("app: /welcome")
	d.app.take()
	victim.open(d.link(authHost + "/search"))
	victim.sees("app: /search")
	code := parameter(t, authHost+d.app.one(t).uri, "code")
	finder.open(with(t, d.begins(finder, newsHost+"/x"), "code", code))
	finder.arrives(newsHost + "/x")
	if got := d.app.last(t, "/x"); got["x-wechat-openid"] != d.wechat.OpenID("ming", appID) {
		t.Errorf("the app was told %v", got)
	}
}
