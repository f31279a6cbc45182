package test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// With keep_fragment a page that needs a session comes back with its hash
// route, whatever is in it, and never leads to another site.
func TestBrowserKeepFragment(t *testing.T) {
	w := newWorld(t)
	var site string
	w.app.answer(ordersApp(t, spaScripts(t), &site))
	site = w.secureSite(options{auth: "keep_fragment on"})
	b := w.phone("ming")
	first := site + "/plain/?x=%26&g=%B9%FA#/orders/7?tab=a%26b&q=中文&100%"
	b.open(first)
	b.meets("consent", "使用微信登录")
	b.tap("a.button.primary")
	b.allow()
	b.sees("小明: order /api/orders/7?tab=a%26b")
	b.isAt(first)
	long := strings.Repeat("a", 1500)
	for name, fragment := range map[string]string{
		"none": "", "a question mark, an ampersand, a percent sign": "#/a?b=c&d=%25&e=%&f=%zz", "Chinese": "#/商品/列表?名=值",
		"encoded Chinese": "#/%E5%95%86", "quotes and brackets": `#/"'<>|{}[]^`, "blanks": "#/a b  c", "a plus": "#/a+b%20c", "a hash": "#a#b##c",
		"of 1500 bytes": "#/" + long, "another site": "#//evil.example/", "a user": "#@evil.example", "a backslash": `#/\evil.example`, "two": `#\\evil.example`,
		"an encoded backslash": "#%5c%5cevil.example", "a line break": "#%0d%0aLocation:%20https://evil.example/", "a script": "#javascript:alert(1)",
		"markup": `#"><script>document.title='x'</script>`, "parameters": "#&return_to=//evil.example&scope=x", "a logout": "#/_wechat/logout",
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			b.open("about:blank")
			b.forgets(site)
			b.open(site + "/plain/?x=1" + fragment)
			b.is("is back", "document.querySelector('#app') && location.pathname === '/plain/'")
			if fragment == "" {
				b.arrives(site + "/plain/?x=1")
			} else {
				b.isAt(site + "/plain/?x=1" + fragment)
			}
		})
	}
	b.t = t
	var pages int
	other := b.tab()
	b.forgets(site)
	other.open(site + "/plain/#/tab")
	other.is("is back", "document.querySelector('#app')")
	other.isAt(site + "/plain/#/tab")
	if err := other.js("history.length", &pages); err != nil || pages > 2 {
		t.Errorf("Back goes through %d pages (%v), want the page before only", pages, err)
	}
	for _, address := range b.seen.visitedAll() {
		if strings.Contains(address, "//evil.example") && !strings.HasPrefix(address, site) && !strings.HasPrefix(address, w.sim.URL) {
			t.Errorf("the visitor got to %s", address)
		}
	}
}

// A fragment that is too long is dropped, and its length is in the log.
func TestBrowserKeepFragmentTooLong(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{auth: "keep_fragment on\n\t\tscope snsapi_base"}))
	b := w.phone("ming")
	b.open(w.site + "/orders?id=7#" + strings.Repeat("a", 10<<10))
	b.sees("app: /orders?id=7")
	b.arrives(w.site + "/orders?id=7")
	if log := w.log(); !strings.Contains(log, "the fragment of the address is too long to be kept") || !strings.Contains(log, `"length":10240`) {
		t.Error("the log does not say that the fragment was dropped, and its length")
	}
}

// Without scripts the visitor is signed in all the same.
func TestBrowserKeepFragmentWithoutScripts(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{auth: "keep_fragment on\n\t\tscope snsapi_base"}))
	b := w.phone("ming")
	b.do(emulation.SetScriptExecutionDisabled(true))
	b.open(w.site + "/orders?id=7#/route")
	b.sees("app: /orders?id=7")
	if got := w.app.last(t, "/orders?id=7"); got["x-wechat-openid"] != w.wechat.OpenID("ming", appID) {
		t.Errorf("the app was told %v", got)
	}
}

// On a computer the code leads to the whole address.
func TestBrowserKeepFragmentOnAComputer(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{auth: "keep_fragment on"}))
	b := w.desktop()
	b.open(w.site + "/orders?id=7#/route?a=b")
	b.sees(w.site + "/orders?id=7#/route?a=b")
	b.is("shows a code", "document.querySelector('.qr svg')")
}

// Attack: secrets that an app gets in fragments reach the log, because the
// small page sends them. With the filter of Caddyfile.example they do not.
func TestAttackFragmentInLogs(t *testing.T) {
	w := newWorld(t)
	siteLog, filter := filepath.Join(w.folder, "site.log"), w.exampleLogFilter()
	w.load(strings.Replace(w.caddyfile(options{
		auth:   "keep_fragment on\n\t\tscope snsapi_base",
		before: "log {\n\t\toutput file " + siteLog + "\n\t\t" + filter + "\n\t}",
	}), "level DEBUG", "level DEBUG\n"+filter, 1))
	v := w.visitor("ming")
	a := v.open(w.site + "/page?x=1")
	next := attribute(a.body, `id="next" href="([^"]*)"`)
	if next == "" {
		t.Fatalf("no small page: %s\n%s", a.Status, a.body)
	}
	const secret = "5ecretOfTheFragment"
	if a = v.open(resolve(t, a.url, next+"%23access_token%3D"+secret+"1%26id_token%3D"+secret+"2")); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "<title>app</title>") {
		t.Fatalf("%s: %s", a.url, a.Status)
	}
	w.stop()
	own, err := os.ReadFile(siteLog)
	if err != nil {
		t.Fatal(err)
	}
	log := w.log() + string(own)
	if !strings.Contains(log, "/_wechat/login?asked_by=page") || !strings.Contains(log, "handled request") {
		t.Error("the log is not what it should be")
	}
	if strings.Contains(log, secret) {
		t.Errorf("the log has the fragment")
	}
}
