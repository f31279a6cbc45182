package test

import (
	"net/http"
	"strings"
	"testing"
)

// The second lock of docs/upstreams.md: the app gets the key once, from the
// gateway, whatever the visitor sends.
func TestUpstreamsKey(t *testing.T) {
	w := newWorld(t)
	_, line, found := strings.Cut(read(t, upstreamsDocument), "\t\theader_up X-Gateway-Key ")
	placeholder, _, ends := strings.Cut(line, "\n")
	if !found || !ends {
		t.Fatalf("%s has no header_up", upstreamsDocument)
	}
	file := put(t, "the-key-of-the-app\n", t.TempDir(), "app-key")
	placeholder = strings.Replace(placeholder, "/etc/caddy/secrets/app-key", file, 1)
	w.load(w.caddyfile(options{auth: "public /", proxy: "reverse_proxy " + w.app.address() + " {\n\t\theader_up X-Gateway-Key " + placeholder + "\n\t}"}))
	w.visitor("ming").send(http.MethodGet, w.site+"/", "", http.Header{"X-Gateway-Key": {"evil", "evil"}})
	if got := w.app.one(t).header["X-Gateway-Key"]; len(got) != 1 || got[0] != "the-key-of-the-app" {
		t.Errorf("the app gets the keys %q", got)
	}
}
