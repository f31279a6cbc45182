package test

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const renewedCookie = "__Host-wechat=renewed; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"

// sharedAnswers are headers of answers, and whether the renewed cookie may wait
// for another answer.
var sharedAnswers = map[string]struct {
	header http.Header
	waits  bool
}{
	"a page": {nil, false}, "not to be kept": {http.Header{"Cache-Control": {"no-cache, max-age=0"}}, false}, "the browser's": {http.Header{"Cache-Control": {"private"}}, false},
	"public":              {http.Header{"Cache-Control": {"public, max-age=600"}}, true},
	"shared":              {http.Header{"Cache-Control": {"s-maxage=600"}}, true},
	"two lines":           {http.Header{"Cache-Control": {"private", "public, max-age=600"}}, true},
	"Expires":             {http.Header{"Expires": {"Wed, 01 Jan 2099 00:00:00 GMT"}}, false},
	"Last-Modified":       {http.Header{"Last-Modified": {"Wed, 01 Jan 2020 00:00:00 GMT"}}, false},
	"for CDNs":            {http.Header{"Cache-Control": {"private"}, "Cdn-Cache-Control": {"max-age=600"}}, true},
	"for Cloudflare":      {http.Header{"Cloudflare-Cdn-Cache-Control": {"max-age=600"}}, true},
	"for Fastly":          {http.Header{"Cache-Control": {"no-store"}, "Surrogate-Control": {"max-age=600"}}, true},
	"for Akamai":          {http.Header{"Edge-Control": {"max-age=600"}}, true},
	"all of it, and ETag": {http.Header{"Cache-Control": {"public"}, "Surrogate-Control": {"max-age=600"}, "Etag": {`"1"`}}, true},
}

// The renewed cookie reaches the browser beside the app's own, whatever the app
// answers. Attack: a shared cache keeps it, and hands it to everybody.
func TestOtherProxiesPassOnTheRenewedCookie(t *testing.T) {
	expires := front{"nginx with expires", func(w *world, port, gateway, app string) {
		w.nginx(strings.Replace(documented(w.t, "nginx", 0), "    location / {\n", "    location / {\n        expires 30d;\n", 1), port, gateway, app)
	}}
	for _, f := range append(slices.Clone(fronts), expires) {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			gateway := standIn(t)
			site := f.before(w, gateway)
			v := w.visitor("ming")
			for name, c := range sharedAnswers {
				for _, status := range []int{http.StatusOK, http.StatusNotFound, http.StatusInternalServerError} {
					w.app.answer(func(rw http.ResponseWriter, _ *http.Request) {
						maps.Copy(rw.Header(), c.header)
						rw.Header().Add("Set-Cookie", "app=1")
						rw.WriteHeader(status)
						_, _ = io.WriteString(rw, name)
					})
					gateway.says(told)
					a := v.send(http.MethodGet, site+"/page", "", nil)
					if lines := a.Header["Set-Cookie"]; a.StatusCode != status || !slices.Equal(lines, []string{"app=1"}) || f.name != expires.name && !slices.Equal(a.Header["Cache-Control"], c.header["Cache-Control"]) {
						t.Errorf("%s, nothing to renew: %d with %v", name, a.StatusCode, a.Header)
					}
					gateway.says(told, "Set-Cookie", renewedCookie)
					a = v.send(http.MethodGet, site+"/page", "", nil)
					lines := a.Header["Set-Cookie"]
					if has := slices.Contains(lines, renewedCookie); a.StatusCode != status || !slices.Contains(lines, "app=1") || slices.Contains(lines, "") || !has && !c.waits || has && f.name != traefikFront.name && keeps(a.Header) {
						t.Errorf("%s: %d with %v", name, a.StatusCode, a.Header)
					}
				}
			}
		})
	}
}

// keeps reports whether some shared cache may keep an answer: Traefik's example
// cannot prevent it, and the document says so.
func keeps(h http.Header) bool {
	for name := range h {
		if strings.HasSuffix(name, "-Cache-Control") || name == "Surrogate-Control" || name == "Edge-Control" {
			return true
		}
	}
	return !strings.Contains(strings.Join(h["Cache-Control"], ","), "no-store")
}
