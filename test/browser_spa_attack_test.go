package test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Another site answers a request of the page as the gateway would, and names
// the gateway of the page's own site: the page is not left for that, neither
// when it asks that site, nor when an address of its own site leads there.
func TestBrowserAttackClientScriptAnswerOfAnotherSite(t *testing.T) {
	w := newWorld(t)
	var site string
	refuse := func(rw http.ResponseWriter) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusUnauthorized)
		_, _ = rw.Write([]byte(`{"code":401,"redirect_url":"` + site + `/_wechat/login?return_to=%2F"}`))
	}
	other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Access-Control-Allow-Origin", "*")
		refuse(rw)
	}))
	defer other.Close()
	w.app.answer(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page/leads-there":
			http.Redirect(rw, r, other.URL, http.StatusFound)
		case "/page/refused":
			refuse(rw)
		default:
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = rw.Write([]byte(`<!doctype html><link rel="icon" href="data:,"><script src="/_wechat/client.js"></script><p>page</p>`))
		}
	})
	site = w.secureSite(options{auth: "public /page/*"})
	b := w.phone("ming")
	b.open(site + "/page/")
	b.is("has the script", "window.wechatGateway")
	for _, c := range []struct{ name, address string }{
		{"its own address", other.URL + "/api"},
		{"a redirect of this site", site + "/page/leads-there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			b.run("window.said = 0; wechatGateway.fetch(" + quote(c.address) + ").then(r => said = r.status, e => said = String(e))")
			b.is("gets the answer", "window.said === 401")
			b.isAt(site + "/page/")
			if n := b.seen.countVisits(site + "/_wechat/login"); n != 0 {
				t.Errorf("%d sign-ins began, want none", n)
			}
		})
	}
	b.t = t
	// The same answer of this site.
	b.run("window.before = 1; wechatGateway.fetch('/page/refused')")
	b.is("is another page", "window.wechatGateway && !window.before")
	if n := b.seen.countVisits(site + "/_wechat/login"); n != 1 {
		t.Errorf("%d sign-ins began, want 1", n)
	}
}
