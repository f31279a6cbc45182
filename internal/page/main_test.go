package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var kinds = []Kind{
	OpenInWeChat, Consent, Snapshot, TryAgain, Unavailable, Misconfigured, Denied, NotAllowed, SignInExpired, SignedOut, CookiesOff,
	Framed, OtherPerson, Follow, Resend, Scan, ScanConfirm, ScanConfirmed, ScanDenied, ScanExpired,
}

// full returns a page with every field set.
func full(k Kind) Page {
	return Page{
		Kind: k, Site: "shop.example.com", URL: "https://shop.example.com/tea?id=1&x=2", ContinueURL: "/_wechat/login?return_to=%2Ftea",
		DeclineURL: "/_wechat/decline/abc", ReturnTo: "/tea?id=1&x=2#top", Reference: "7Q2M-K4XV",
		WaitURL: "/_wechat/scan/wait/abc", ConfirmURL: "/_wechat/scan/def", Number: "407", Numbers: []string{"119", "407", "823"},
		Device: "Windows · Chrome", Network: "203.0.113.x", Ago: 14 * time.Second, Data: map[string]string{"task": "none"}, Other: true,
		Code: DrawCode("http://weixin.qq.com/q/02example"),
	}
}

// hasData reports whether the full page of a kind has data for its script.
func hasData(k Kind) bool { return k == SignInExpired || k == SignedOut || k == Resend }

// ask writes p for a request with the headers given as name, value, … and
// returns the answer.
func ask(tb testing.TB, p Page, method string, headers ...string) *httptest.ResponseRecorder {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, "/", nil)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	p.Write(w, r)
	return w
}

func get(tb testing.TB, p Page, lang language) *httptest.ResponseRecorder {
	tb.Helper()
	return ask(tb, p, http.MethodGet, "Accept-Language", string(lang))
}

// elements parses a page and returns its elements and all its text. Every
// element must be closed.
func elements(tb testing.TB, body []byte) (all []xml.StartElement, text string) {
	tb.Helper()
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []string
	var b strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			tb.Fatalf("the page is not well formed: %v\n%s", err, body)
		}
		switch token := token.(type) {
		case xml.StartElement:
			all = append(all, token.Copy())
			open = append(open, token.Name.Local)
		case xml.EndElement:
			if n := len(open) - 1; n < 0 || open[n] != token.Name.Local {
				tb.Fatalf("</%s> closes %v", token.Name.Local, open)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			b.Write(token)
		}
	}
	if len(open) > 0 {
		tb.Fatalf("never closed: %v", open)
	}
	return all, b.String()
}

// attr returns the attribute of the first element of that name, and whether
// there is such an element.
func attr(all []xml.StartElement, element, name string) (string, bool) {
	for _, e := range all {
		if e.Name.Local != element {
			continue
		}
		for _, a := range e.Attr {
			if a.Name.Local == name {
				return a.Value, true
			}
		}
		return "", true
	}
	return "", false
}
