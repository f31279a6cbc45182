package cookies

import (
	"net/http"
	"testing"
)

// An app may get the cookies of its own site; those of a neighbour on the same
// host hold sessions of other people's visitors.
func TestStripOthers(t *testing.T) {
	t.Parallel()
	https, port := Scope{Secure: true}, Scope{Secure: true, Port: "8443"}
	for _, c := range []struct {
		name       string
		scope      Scope
		sent, left string
	}{
		{"https", https, "a=1; __Host-wechat=own; wechat=plain; __Host-wechat-8443=neighbour; b=2", "a=1; __Host-wechat=own; b=2"},
		{"https on a port", port, "__Host-wechat-8443=own; __Host-wechat=neighbour; __Host-wechat-8444=neighbour", "__Host-wechat-8443=own"},
		{"http", Scope{}, "wechat=own; __Host-wechat=other; wechat-8080=neighbour; JSESSIONID=3", "wechat=own; JSESSIONID=3"},
		{"a count", https, "__Host-wechat-landed=1; __Host-wechat-landed-8443=1", "__Host-wechat-landed=1"},
		{"secrets", port, "__Host-wechat-browser-abc123=x; __Host-wechat-browser-abc123-8443=y", "__Host-wechat-browser-abc123-8443=y"},
		{"a sign-in", https, "__Secure-wechat-flow=f; __Secure-wechat-flow-8443=g", "__Secure-wechat-flow=f"},
		{"the app's own", Scope{}, "wechat_theme=dark; mywechat=1", "wechat_theme=dark; mywechat=1"},
		{"neighbours' alone", Scope{}, "wechat-1=a; wechat-2=b", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{Header: http.Header{"Cookie": {c.sent}}}
			StripOthers(r, c.scope)
			if got := r.Header.Get("Cookie"); got != c.left {
				t.Errorf("of %q, %q is left, want %q", c.sent, got, c.left)
			}
		})
	}
}
