package site

import (
	"testing"

	"github.com/caddy-wechat/gateway/session"
)

// Whatever stands in Authorization: nothing stays beside a token of ours,
// nothing is lost without one, and what is read fits its limits.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{"", "Bearer wxt_mini.abc", "bearer\twxt_mini.abc", "Bearer wxt_.", "Basic YTpi", "Bearer eyJ", " Bearer  wxt_a.b.c ", "Bearer wxt_", "Basic x, Bearer wxt_a.b", "Bearer wxt_a.b,,Bearer wxt_a.b"} {
		f.Add(seed, "Basic YTpi")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		r := newRequest(t, "GET", "/")
		r.Header["Authorization"] = []string{one, two}
		b := takeToken(r)
		for _, line := range r.Header["Authorization"] {
			if line != one && line != two {
				t.Fatalf("%q was made of %q and %q", line, one, two)
			}
		}
		for token := range ourTokens(r) {
			t.Fatalf("%q stays", token)
		}
		if want := map[bool]int{false: 2, true: 0}[b.Sent]; len(r.Header["Authorization"]) != want {
			t.Fatalf("%+v, and %q stays", b, r.Header["Authorization"])
		}
		if len(b.Value) > session.MaxValue || len(b.Account) > maxAccountName || (b.Value == "") != (b.Account == "") {
			t.Fatalf("%+v", b)
		}
	})
}
