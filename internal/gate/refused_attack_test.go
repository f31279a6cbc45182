package gate_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/site"
)

// Attack: a visitor who may not enter is let in from a path without sign-in. The
// app there asks for a sign-in by X-Wechat-Require: another one would not help,
// and would be a loop. A page says so, a script gets JSON, and the app's answer
// is not shown.
func TestAttackRequireOnAPublicPath(t *testing.T) {
	t.Parallel()
	for name, keep := range keepOut {
		for _, want := range []string{base, userinfo} {
			t.Run(name+"/"+want, func(t *testing.T) {
				t.Parallel()
				w := newTown(t, counting)
				w.access["/public"], w.access["/optional"] = site.Public, site.Optional
				b := w.browser("alice")
				b.consents("/")
				keep(w, w.person("alice"))
				w.upstream = func(rw http.ResponseWriter, r *http.Request) {
					if id := r.Header.Get("X-Wechat-Openid"); id != "" {
						t.Errorf("the app gets the identity %q", id)
					}
					rw.Header().Set("X-Upstream", "1")
					rw.Header().Set(gate.HeaderRequire, want)
					rw.WriteHeader(http.StatusForbidden)
				}
				for _, path := range []string{"/public", "/optional"} {
					v := b.open(path)
					if len(v) != 1 {
						t.Errorf("%s: a visitor is sent around: %s", path, v)
					}
					w.wantOutside(path, v, w.passed.Load())
					if h := b.script(http.MethodGet, path); h.status != http.StatusForbidden || h.json().Error != "not_allowed" || h.header.Get("X-Upstream") != "" {
						t.Errorf("%s: a script gets %d %s", path, h.status, h.body)
					}
					if h := b.form(path, url.Values{"a": {"1"}}); h.status != http.StatusForbidden || h.kind() != "not_allowed" || h.header.Get("X-Upstream") != "" {
						t.Errorf("%s: a form gets %d %q", path, h.status, h.kind())
					}
				}
				if n := w.tally()["begin"] + w.tally()["ask_consent"]; n != 2 { // of alice, before
					t.Errorf("%d sign-ins begin: %v", n, w.tally())
				}
			})
		}
	}
}

// Attack: a form waits in the tab of a visitor who may not enter any more. The
// page that sends it is not shown, and its script learns nothing about the
// visitor, also if the form's own path needs no sign-in now.
func TestAttackResendOfTheRefused(t *testing.T) {
	t.Parallel()
	for name, keep := range keepOut {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, preserve(site.PreserveAuto))
			b := w.browser("alice")
			b.consents("/")
			b.drop("__Host-wechat")
			kept := b.keeps("/orders", url.Values{"a": {"1"}})
			if v := b.open(kept.Next); v.last().kind() != "resend" || v.last().task().Task != "send" {
				t.Fatalf("before: %d %q", v.last().status, v.last().kind())
			}
			keep(w, w.person("alice"))
			passed := w.passed.Load()
			for _, access := range []site.Access{site.Protected, site.Public} {
				w.access["/orders"] = access
				w.wantOutside("the page", b.open(kept.Next), passed)
				if h := b.open(kept.Next).last(); h.task().Visitor != "" || h.task().Task == "send" {
					t.Errorf("the page sends the form: %+v", h.task())
				}
				if h := b.script(http.MethodGet, kept.Next); h.status != http.StatusForbidden || h.json().Error != "not_allowed" {
					t.Errorf("its script: %d %s", h.status, h.body)
				}
			}
			w.access["/orders"] = site.Protected
			if h := b.form("/orders", url.Values{"a": {"1"}}); h.status != http.StatusForbidden || h.header.Get("X-Upstream") != "" {
				t.Errorf("the form itself: %d", h.status)
			}
		})
	}
}
