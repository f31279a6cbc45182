package request

import "testing"

// Attack: PHP-FPM, CGI and ASP.NET run /admin.php for /admin.php/x.css
// (PATH_INFO), and a servlet mapped to /orders/* answers /orders/x.css.
func TestAttackASuffixOpensScripts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, address string
		want             bool
	}{
		{"*.css", "/admin.php/x.css", false},
		{"*.css", "/orders/x.css", false},
		{"*.css", "/x.css", true},
		{"*", "/admin.php/x.css", true}, // a lone star says so
		{"*/static/*", "/admin.php/static/x", false},
		{"*/x.css", "/orders/x.css", false},
		{"/*.css", "/x.css", true},
		{"/*.css", "/admin.php/x.css", false},
		{"/*.css", "/orders/x.css", false},
		{"/*", "/admin.php/x.css", true},
		{"/*/*.css", "/admin.php/x.css", false},
		{"/*/*.css", "/orders/x.css", false},
		{"/*/a/*.css", "/orders/a/x.css", false},
		{"/[a-z]*/*.css", "/orders/x.css", false},
		{"/*/menu", "/admin.php/menu", false},
		{"/*/menu", "/shop/menu", true},
		{"/a[^b]x.css", "/a/x.css", false},
		{"/theme/*.css", "/theme/x.css", true},
		{"/theme/*.css", "/theme/.css", true},
		{"/theme/*.css", "/theme/red/dark/x.css", true},
		{"/theme/*.css", "/theme/red/x.min.css", true},
		{"/theme/*.css", "/theme/x.css/", false},
		{"/theme/*.css", "/theme/x.php", false},
		{"/theme/*.css", "/theme/admin.php/x.css", false},
		{"/theme/*.css", "/theme/red/admin.php/x.css", false},
		{"/theme/*.css", "/theme/admin.php/red/x.css", false},
		{"/theme/*.css", "/theme/admin.php./x.css", false},
		{"/theme/*.css", "/theme/admin;v=1/x.css", false},
		{"/theme/*.css", "/theme/admin%3bv=1/x.css", false},
		{"/theme/*.css", "/theme/admin::$DATA/x.css", false},
		{"/theme/*.css", "/theme/admin%20/x.css", false},
		{"/theme/*.css", "/theme/../admin/x.css", false},
		{"/theme/*.css", "/themes/x.css", false},
		{"/theme/*.css", "/x/theme/x.css", false},
		{"/theme-1.2/*.css", "/theme-1.2/red/x.css", true},
		{"/theme/*-min.js", "/theme/red/shop-min.js", true},
		{"/theme/x*.css", "/theme/x1.css", true},
		{"/theme/x*.css", "/theme/x/1.css", false},
		{"/shops/*/menu", "/shops/1.5/menu", true},
		{"/shops/*/b.css", "/shops/x/b.css", true},
		{"/shops/*/menu", "/shops/pay.php/menu", false},
		{"/shops/*/menu", "/shops/pay.php5/menu", false},
		{"/theme/*/style.css", "/theme/admin.php/style.css", false},
		{"/theme/*/*.css", "/theme/admin.php/x.css", false},
		{"/theme/*/*.css", "/theme/1.5/x.css", false},
		{"/theme/*/*.css", "/theme/red/x.css", true},
		{"/theme/*/[a-z]*.css", "/theme/a.php/x.css", false},
		{"/v1.0/*/x.css", "/v1.0/red/x.css", true},
	} {
		t.Run(c.pattern+" "+c.address, func(t *testing.T) {
			t.Parallel()
			if got := (Paths{"/never", c.pattern}).Opens(parseURL(t, c.address)); got != c.want {
				t.Errorf("opens: %t, want %t", got, c.want)
			}
		})
	}
}

// Attack: Windows takes a segment of dots and blanks for a dot segment.
func TestAttackDotsAndBlanksOpenNothing(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"/static/..%20/admin", "/static/%20../admin", "/static/.%20./admin", "/static/.../admin", "/static/..%20.%20/admin", "/static/..::$DATA/admin", "/static/..:$I30/admin",
	} {
		if (Paths{"/static/*"}).Opens(parseURL(t, address)) {
			t.Errorf("%s is open", address)
		}
	}
	for _, address := range []string{"/static/.well-known/x", "/static/%20x", "/static/x./y", "/static/a..b", "/static/foto%20(1).jpg", "/static/a:b"} {
		if !(Paths{"/static/*"}).Opens(parseURL(t, address)) {
			t.Errorf("%s is not open", address)
		}
	}
}

// account are the ways to write /account/x that some server understands.
var account = []string{
	"/account/x", "/ACCOUNT/x", "/%61ccount/x", "//account/x", "/./account/x", "/y/../account/x", "/y/%2e%2e/account/x",
	"/%c1%a1ccount/x", "/%e0%81%a1ccount/x", "/%f0%80%81%a1ccount/x", "/%f8%80%80%81%a1ccount/x", "/%fc%80%80%80%81%a1ccount/x",
	"/y/%c0%ae%c0%ae/account/x", "/y/%e0%80%ae%f0%80%80%ae/account/x", "/y%c0%af../account/x", "/y%c1%9c..%c1%9caccount/x", "/account%c0%afx", "/account%c0%80/x",
	"/account%c0%80.css/x", "/%c0%a561ccount/x", "/%25c1%25a1ccount/x", "/account%c0%bbv=1/x", "/account/%c0%bfx",
	"/x%25zz/%252e%252e/%252e%252e/account/x", "/%2561ccount/x", "/%252561ccount/x", "/%25252561ccount/x", "/%2525252561ccount/x", "/%25zz", "/%25u0061ccount/x",
	"/account%20/x", "/account./x", "/account%20.%20./x", "/account%00/x", "/account%2500/x", "/account%00.css/x", "/account::$INDEX_ALLOCATION/x", "/account:$i30:$INDEX_ALLOCATION/x",
	"/y/..%20/account/x", "/y/%20../account/x", "/y/.%20./account/x", "/.../account/x", "/y/.../account/x", "/account/y/../.../x", "/y/..;/account./x", "/y/..%2500/account/x",
	"/(S(abc))/account/x", "/(A(1)F(2)S(3))/account/x", "/(s(abc))/account/x", "/(S(a))/(S(b))/account/x", "/acc/(S(a))ount/x", "/%28S%28abc%29%29/account/x", "/%2528S(abc))/account/x",
	"/(S(a%2529)/account/x", "/y/(S(abc))/../account/x", "//(S(a))(S(b))/account/x", "/(S(a));v=1/account/x",
	"/account;v=1/x", "/;v=1/account/x", "/y/..;/account/x", "/account%3bv=1/x", "/account%253bv=1/x", `/account\x`, "/account%5cx", "/y%255c..%255caccount/x",
	"/account%2fx", "/account%252fx", "/account%3fx/y", "/account%23x/y", "/account%253fx", "//shop.example.com/account/x", "//y@shop/account/x",
	"/account/x%01", "/y%7f", "/%09account/x", "/account/../y", "/account/%2e%2e/y",
}

// Attack: a spelling of the path that the app understands, and the rule does
// not.
func TestAttackASpellingAvoidsTheStricterScope(t *testing.T) {
	t.Parallel()
	for _, address := range account {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			if !(Paths{"/never", "/account/*"}).Demands(parseURL(t, address)) {
				t.Error("demands nothing")
			}
		})
	}
	for _, c := range []struct{ pattern, address string }{
		{"*.do", "/list.do/x.css"},
		{"*.do", "/list.do;v=1/x"},
		{"*.do", "/list.do%20/x"},
		{"*.do", "/a/b.do."},
		{"/pay.php", "/pay.php/x"},
		{"/pay.php", "/PAY.PHP/../x"},
		{"/theme/*.do", "/theme/red/x.do/y"},
		{"/theme/*.do", "/theme/admin.php/x.do"},
		{"/account/*", "/index.php/account/x"},
		{"/account/*", "/app/dev.php/account/x"},
		{"/account/*", "/index.php;x/account/x"},
		{"/pay", "/pay/"},
		{"/pay/", "/pay"},
		{"/pay", "/pay%3fx"},
		{"/pay", "/pay%20"},
		{"/pay", "/pay."},
		{"/shops/*/menu", "/shops/1%2f2/menu"},
		{"/shops/*/menu", "/shops/1%252F2/menu"},
		{"/kasse", "/ka%C5%BFse"},
		{"/account", "/(S(abc))/account/"},
		{"/", "/(S(abc))"},
		{"/", "//"},
	} {
		t.Run(c.pattern+" "+c.address, func(t *testing.T) {
			t.Parallel()
			if !(Paths{c.pattern}).Demands(parseURL(t, c.address)) {
				t.Error("demands nothing")
			}
		})
	}
}

// honest are addresses that apps really have, strange as some look.
var honest = []string{
	"/", "/cart", "/list.jsp;jsessionid=1", "/list.jsp;jsessionid=0A1B2C.node1?x=y", "/wiki/Go_(game)", "/wiki/(disambiguation)", "/wiki/Talk:Go", "//img/x.png", "/img//x.png",
	"/%E5%95%86%E5%93%81/%E8%AF%A6%E6%83%85.html", "/商品/详情.html", // UTF-8
	"/%C9%CC%C6%B7/%CF%EA%C7%E9.html", "/%C0%B4%C0%AD%C0%A5%C0%AF%C0%BB", "/%C0%A5%C0%A7/%C0%AE%C0%BF%C0%A3.html", "/%B3%5C/%D0%5C%C1%5C", // GBK, with bytes that look overlong, and trailing 5C
	"/static/foto%20(1).jpg", "/static/jquery-3.6.0/jquery.min.js", "/v1.2/list", "/50%25", "/a+b/c++", "/~ming/x", "/a,b/c=d", "/mail/a@b.c", "/x?y=/account/x", "/.well-known/x", "/files/report%20.pdf", "/a%2fb",
	"/accounts/x", "/accountx", "/x/account", "/x/y/account/z", "/account-help",
}

func TestHonestPathsKeepTheirScope(t *testing.T) {
	t.Parallel()
	for _, address := range honest {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			if (Paths{"/account/*", "/pay", "*.do", "/vip/*.html"}).Demands(parseURL(t, address)) {
				t.Error("demands more")
			}
		})
	}
}

func TestPathsBareSuffix(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pattern, suffix string }{
		{"*.css", "*.css"}, {"*/static/*", "*/static/*"}, {"*x", "*x"}, {"/*/*.css", "*.css"}, {"/*/a/x*.css", "x*.css"}, {"/[ab]*/*.css", "*.css"},
	} {
		t.Run(c.pattern, func(t *testing.T) {
			t.Parallel()
			pattern, suffix, ok := Paths{"/ok", "*", c.pattern}.BareSuffix()
			if !ok || pattern != c.pattern || suffix != c.suffix {
				t.Errorf("%q %q %t, want the suffix %q", pattern, suffix, ok, c.suffix)
			}
		})
	}
	if pattern, _, ok := (Paths{"*", "/", "/*", "/*.css", "/theme/*.css", "/*/menu", "/*/static/*", "/a/*/*.css"}).BareSuffix(); ok {
		t.Errorf("%s is no bare suffix", pattern)
	}
}
