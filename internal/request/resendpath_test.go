package request

import (
	"net/http"
	"strings"
	"testing"
)

// Of our own pages, a sign-in leads to those with a sealed text only.
func TestIsOwnPage(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]bool{
		"/_wechat/resend/Ab3_-": true, "/_wechat/scan/Ab3_-": true, "/_wechat/resend/" + strings.Repeat("a", MaxResendText): true,
		"/_wechat/resend/": false, "/_wechat/resend": false, "/_wechat/resend/a/b": false, "/_wechat/resend/../logout": false, "/_wechat/resend/a?x": false,
		"/_wechat/resend/a#b": false, "/_wechat/resend/%61": false, "/_wechat/resend/" + strings.Repeat("a", MaxResendText+1): false, "/_wechat/logout": false,
		"/_WECHAT/resend/a": false, "//_wechat/resend/a": false, "": false, "/": false,
	} {
		t.Run(target[:min(len(target), 40)], func(t *testing.T) {
			t.Parallel()
			if got := IsOwnPage(target); got != want {
				t.Errorf("IsOwnPage: %v, want %v", got, want)
			}
			if clean := CleanTarget(target); want && clean != target || !want && strings.HasPrefix(clean, Prefix) {
				t.Errorf("CleanTarget leads to %s", clean)
			}
		})
	}
}

func TestFromOrigin(t *testing.T) {
	t.Parallel()
	const here = "https://shop.example.com"
	for name, row := range map[string]struct {
		sites, origins []string
		want           bool
	}{
		"both":           {[]string{"same-origin"}, []string{here}, true},
		"one":            {nil, []string{here}, true},
		"the other":      {[]string{"same-origin"}, nil, true},
		"none":           {nil, nil, false},
		"foreign origin": {[]string{"same-origin"}, []string{"https://evil.example"}, false},
		"foreign site":   {[]string{"cross-site"}, []string{here}, false},
		"second foreign": {nil, []string{here, "null"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{Header: http.Header{"Sec-Fetch-Site": row.sites, "Origin": row.origins}}
			if got := FromOrigin(r, here); got != row.want {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
}
