package request

import (
	"net/url"
	"strings"
	"testing"
)

func TestPathsValidate(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"/", "/cart", "/static/*", "*.css", "/shops/*/menu", "*", "/a b", "/商品/*", "/[ab]/x", "/x.(y)"} {
		if err := (Paths{"/ok", good}).Validate(); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "cart", "https://x/", "/x?y", "/x#y", "/%2e", "/a;b", `/a\b`, "/{http.x}", "/[", "/" + strings.Repeat("a", maxPattern),
		"/\xc9\xcc\xc6\xb7/*", "/\ufffd\ufffd/*", // GBK, and what Caddy's parser makes of it
	} {
		if err := (Paths{"/ok", bad}).Validate(); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	if err := Paths(nil).Validate(); err != nil {
		t.Errorf("no patterns: %v", err)
	}
}

func TestPathsOpens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, address string
		want             bool
	}{
		{"/cart", "/cart", true},
		{"/cart", "/cart/", false},
		{"/cart", "/cartoon", false},
		{"/cart", "/CART", false},
		{"/static/*", "/static/a/b.png", true},
		{"/static/*", "/static/", true},
		{"/static/*", "/static", false},
		{"/static/*", "/Static/a", false},
		{"/static/*", "/statica", false},
		{"*.css", "/b.css", true},
		{"*.css", "/b.css/", false},
		{"/shops/*/menu", "/shops/1/menu", true},
		{"/shops/*/menu", "/shops/1/2/menu", false},
		{"*", "/anything", true},
		{"/static/*", "/static/a%20b", true},
		{"/static/*", "/%73tatic/a", true},
		{"/商品/*", "/%E5%95%86%E5%93%81/1", true},
	} {
		if got := (Paths{"/never", c.pattern}).Opens(parseURL(t, c.address)); got != c.want {
			t.Errorf("%s opens %s: %t", c.pattern, c.address, got)
		}
	}
	if (Paths{}).Opens(parseURL(t, "/")) {
		t.Error("no pattern opens something")
	}
}

// Attack 6: the query decided. Attack 7: # and %23 in the path widened the
// match. And every spelling that servers read in different ways.
func TestAttack06And07PathsThatOpenNothing(t *testing.T) {
	t.Parallel()
	open := Paths{"/static/*", "*.css", "/public", "/"}
	for _, address := range []string{
		"/admin?/static/", "/admin?x=.css", "/admin?/static/x.css",
		"/admin%23/static/x.css", "/admin%23.css", "/static/%23/../../admin", "/admin%3f.css", "/admin%3F/static/.css",
		"/static/../admin", "/static/./x", "/static/..", "/static/%2e%2e/admin", "/static/%2E%2E/admin", "/static/.%2e/admin",
		"/static/%252e%252e/admin", "/static/%252e%252e%252fadmin", "/static/%25", "/static/50%25.png",
		"/static/..;/admin", "/static/..;x=y/admin", "/static/;/../admin", "/static/a;jsessionid=1", "/admin;.css", "/admin;/x.css", "/admin%3b.css", "/admin%3B/a.css",
		"//static/x", "/static//x", "/static//../admin", "/static/%2f../admin", "/static%2fx", "/static%2Fx.css", "/admin%2f.css", "/admin/%2f/x.css",
		`/static\..\admin`, "/static/%5c../admin", "/static/..%5cadmin", "/static/%5C..%5Cadmin",
		"/static/%00/../admin", "/admin%00.css", "/admin%0a.css", "/admin%0d%0a.css", "/static/%09x", "/static/%7f",
		"/static/%c0%ae%c0%ae/admin", "/static/%c0%af../admin", "/static/%e0%80%ae%e0%80%ae/admin", "/static/%ff.css",
		"/STATIC/x", "/Public",
	} {
		if open.Opens(parseURL(t, address)) {
			t.Errorf("%s is open", address)
		}
	}
	for _, address := range []string{"/static/x?/admin", "/public?a=../..;%2e%252e//%23", "/?x", "/a.css?v=1;2"} {
		if !open.Opens(parseURL(t, address)) {
			t.Errorf("%s is not open: its query has no say", address)
		}
	}
	// An address without a path of its own, as in OPTIONS * or CONNECT.
	for _, address := range []string{"*", "https://shop.example.com"} {
		if (Paths{"*"}).Opens(parseURL(t, address)) {
			t.Errorf("%q is open", address)
		}
	}
}

func TestPathsDemandsInDoubt(t *testing.T) {
	t.Parallel()
	ask := Paths{"/account/*", "/pay", "*.do"}
	for _, address := range []string{
		"/account/", "/account/x", "/account", "/ACCOUNT/x", "/pay", "/pay/", "/Pay",
		"/x/../account/y", "/x/%2e%2e/account/y", "/x/%252e%252e/account/y", "/%61ccount/x", "/%2561ccount/x",
		"//account/x", "/account//x", "/./pay", "/account;a=b/x", "/pay;jsessionid=1", "/x/..;/pay", "/x;y/..;z/account;q/z",
		`/x\..\account\y`, "/x%5c..%5caccount%5cy", "/x%255c..%255caccount%255cy", "/account%2fx", "/account%252fx", `/x;a\..;b\account\y`,
		"/list.do", "/list.DO", "/list.do;jsessionid=1", "/list.do?x=y",
	} {
		if !ask.Demands(parseURL(t, address)) {
			t.Errorf("%s demands nothing", address)
		}
	}
	for _, address := range []string{"/", "/cart", "/accounts", "/cart?/account/x", "/payment", "/cart/pay", "/50%25"} {
		if ask.Demands(parseURL(t, address)) {
			t.Errorf("%s demands", address)
		}
	}
	if (Paths{}).Demands(parseURL(t, "/account/x")) {
		t.Error("no pattern demands something")
	}
}

func FuzzPaths(f *testing.F) {
	for _, seed := range []string{"/static/x", "/static/..;/admin", "/static/%252e%252e/x", "//static/", "/static/%5c..", "/%", "*"} {
		f.Add(seed)
	}
	open := Paths{"/static/*"}
	f.Fuzz(func(t *testing.T, address string) {
		u, err := url.ParseRequestURI(address)
		if err != nil || !open.Opens(u) {
			return
		}
		// What is open is below /static/ in every reading.
		reading := u.Path
		for range 4 {
			for _, p := range []string{reading, strings.ReplaceAll(reading, `\`, "/"), withoutParams(reading)} {
				if strings.Contains(p, "..") && strings.Contains("/"+p+"/", "/../") || !strings.HasPrefix(p, "/static/") {
					t.Fatalf("%q is open and reads as %q", address, p)
				}
			}
			reading = UnescapeOnce(reading)
		}
		if !open.Demands(u) {
			t.Fatalf("%q is open by a pattern that does not demand it", address)
		}
	})
}
