package caddymodule

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/request"
)

// The sets of matchers that a rule may have, as JSON.
const (
	accountPath   = `{"path":["/account/*"]}`
	accountRegexp = `{"path_regexp":{"pattern":"^/account/"}}`
	accountCEL    = `{"expression":"path('/account/*') && method('GET')"}`
	accountText   = `{"expression":"{http.request.uri.path}.startsWith('/account/')"}`
	accountOrig   = `{"expression":"{http.request.orig_uri.path}.startsWith('/account/')"}`
	accountVars   = `{"vars_regexp":{"{http.request.uri}":{"pattern":"^/account/"}}}`
	notStatic     = `{"not":[{"path":["/static/*"]}]}`
	notAdmin      = `{"not":[{"path":["/admin/*","/admin.php"]}]}`
	notAdminCEL   = `{"expression":"!path('/admin/*', '/admin.php')"}`
)

// rule returns a rule with one matcher set, as Caddy loads it.
func rule(t *testing.T, set string) *PathRule {
	t.Helper()
	var r PathRule
	if err := json.Unmarshal([]byte(`{"match":[`+set+`]}`), &r); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	if err := r.provision(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	return &r
}

// rewritten is what the gate gets of a visitor's request after a rewrite to
// /index.php.
func rewritten(t *testing.T, address string) (*http.Request, *url.URL) {
	t.Helper()
	original, err := url.ParseRequestURI(address)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.URL, r.RequestURI = original, address
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
	r.URL = &url.URL{Path: "/index.php", RawQuery: original.RawQuery}
	return r, original
}

// Attack: a spelling of the path that the app understands, and a named matcher
// of the rule that demands more does not.
func TestAttackASpellingAvoidsAMatcher(t *testing.T) {
	t.Parallel()
	for _, set := range []string{accountPath, accountRegexp, accountCEL, accountText, accountOrig, accountVars, notStatic} {
		r := rule(t, set)
		for _, address := range []string{
			"/account/x", "/account", "/%61ccount/x", "/%c1%a1ccount/x", "/x%25zz/%252e%252e/%252e%252e/account/x", "/account%20/x", "/account./x", "/account%00/x", "/(S(abc))/account/x",
			"/account;v=1/x", "/static/..;/account/x", "/account%3b/x", "/%2561ccount/x", "/a%5c..%5caccount/x", "/account%2fx", "/account/x?y=z",
		} {
			t.Run(set+" "+address, func(t *testing.T) {
				t.Parallel()
				sent, original := rewritten(t, address)
				if !r.demands(sent, original, request.ReadPath(original)) {
					t.Error("demands nothing")
				}
			})
		}
	}
}

func TestHonestPathsKeepTheirScopeBesideAMatcher(t *testing.T) {
	t.Parallel()
	for _, set := range []string{accountPath, accountRegexp, accountCEL, accountText, accountOrig, accountVars} {
		r := rule(t, set)
		for _, address := range []string{
			"/", "/list.jsp;jsessionid=1", "/wiki/Go_(game)", "//img/x.png", "/%E5%95%86%E5%93%81", "/%C9%CC%C6%B7/%C0%B4%C0%A5", "/static/foto%20(1).jpg", "/x?y=/account/z", "/accounts/x", "/50%25",
		} {
			t.Run(set+" "+address, func(t *testing.T) {
				t.Parallel()
				sent, original := rewritten(t, address)
				if r.demands(sent, original, request.ReadPath(original)) {
					t.Error("demands more")
				}
			})
		}
	}
	for _, address := range []string{"/static/", "/static/x", "/static/x;v=1", "/static//x"} {
		sent, original := rewritten(t, address)
		if rule(t, notStatic).demands(sent, original, request.ReadPath(original)) {
			t.Errorf("%s is static, and demands more", address)
		}
	}
}

// Attack: "public for everything but /admin/*" opens a spelling of /admin/x.
func TestAttackASpellingAvoidsAnException(t *testing.T) {
	t.Parallel()
	for _, set := range []string{notAdmin, notAdminCEL, `{"path":["/*"],"not":[{"path":["/admin/*","/admin.php"]}]}`} {
		r := rule(t, set)
		for address, want := range map[string]bool{
			"/": true, "/x": true, "/v1.2/x.css": true, "/x/admin/y": true, "/wiki/Talk:Go": true, "/x./y": true,
			"/admin/x": false, "/admin./x": false, "/admin%20/x": false, "/(S(abc))/admin/x": false, "/admin.php/x": false, "/admin::$DATA/x": false, "/admin;v=1/x": false, "/x/..;/admin/x": false,
		} {
			t.Run(set+" "+address, func(t *testing.T) {
				t.Parallel()
				sent, original := rewritten(t, address)
				if got := r.opens(sent, original); got != want {
					t.Errorf("opens: %t, want %t", got, want)
				}
			})
		}
	}
}

// A rule for less that has a suffix without a folder holds in the root only: a
// script below a folder keeps the scope of its site.
func TestAttackASuffixLowersTheScopeOfScripts(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*PathRule{"path": {Paths: []string{"*.html"}}, "matcher": rule(t, `{"path":["*.html"]}`), "not": rule(t, `{"not":[{"path":["*.php"]}]}`)} {
		for address, want := range map[string]bool{"/x.html": true, "/pay.php/x.html": false, "/orders/x.html": false} {
			sent, original := rewritten(t, address)
			if got := r.opens(sent, original); got != want {
				t.Errorf("%s %s: %t, want %t", name, address, got, want)
			}
		}
	}
}

// Matchers that look at placeholders leave the request as it is.
func TestMatchersLeaveTheRequestAlone(t *testing.T) {
	t.Parallel()
	r := rule(t, `{"expression":"{http.request.uri.path} == '/x' && {http.vars.who} == 'me' && {http.request.orig_uri.path} == '/x'"}`)
	sent, original := rewritten(t, "/x")
	caddyhttp.SetVar(sent.Context(), "who", "me")
	caddyhttp.SetVar(sent.Context(), "start_time", "then")
	if !r.opens(sent, original) {
		t.Error("placeholders of the address, or others, are not what they should be")
	}
	if got := caddyhttp.GetVar(sent.Context(), "start_time"); got != "then" || sent.URL.Path != "/index.php" {
		t.Errorf("start_time %v, path %s", got, sent.URL.Path)
	}
	bare := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/y", nil)
	if got := (setKind{expands: true}).sent(bare, original); got.URL != original || bare.URL.Path != "/y" {
		t.Errorf("without Caddy's context: %v", got.URL)
	}
}

// Attack: a matcher with a star for a folder opens a script that takes more
// path.
func TestAttackAStarForAFolderMeetsAScript(t *testing.T) {
	for _, c := range []struct {
		set, address string
		want         bool
	}{
		{`{"path":["/theme/*/*.css"]}`, "/theme/red/x.css", true},
		{`{"path":["/theme/*/*.css"]}`, "/theme/admin.php/x.css", false},
		{`{"path":["/*/x.css"]}`, "/admin.php/x.css", false},
		{`{"path":["/*/x.css"]}`, "/theme/x.css", true},
		{`{"path":["/theme/*"]}`, "/theme/a.b/x.css", true},
	} {
		t.Run(c.set+" "+c.address, func(t *testing.T) {
			r, original := rewritten(t, c.address)
			if got := rule(t, c.set).opens(r, original); got != c.want {
				t.Errorf("opens: %t, want %t", got, c.want)
			}
		})
	}
}
