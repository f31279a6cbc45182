package page

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEveryPage(t *testing.T) {
	t.Parallel()
	want := map[Kind]int{
		OpenInWeChat: 403, Consent: 200, Snapshot: 200, TryAgain: 400, Unavailable: 503,
		Misconfigured: 500, Denied: 403, NotAllowed: 403, SignInExpired: 401, SignedOut: 200, CookiesOff: 400,
		Framed: 200, OtherPerson: 200, Follow: 403, Resend: 200, Scan: 403, ScanConfirm: 200, ScanConfirmed: 200, ScanDenied: 403, ScanExpired: 410,
	}
	if len(kinds) != len(statuses) {
		t.Fatalf("the tests know %d kinds of %d", len(kinds), len(statuses))
	}
	for _, kind := range kinds {
		for _, lang := range []language{chinese, english} {
			for name, p := range map[string]Page{"full": full(kind), "bare": {Kind: kind}} {
				t.Run(string(kind)+"/"+string(lang)+"/"+name, func(t *testing.T) {
					t.Parallel()
					w := get(t, p, lang)
					if w.Code != want[kind] {
						t.Errorf("status %d, want %d", w.Code, want[kind])
					}
					checkHeader(t, w, lang)
					checkScript(t, w, (kind == Scan || kind == OpenInWeChat || hasData(kind)) && name == "full")
					all, text := elements(t, w.Body.Bytes())
					if got, _ := attr(all, "html", "lang"); got != string(lang) {
						t.Errorf("html lang %q, want %q", got, lang)
					}
					if title := builtin().texts[kind]["title"].in(lang); strings.Count(text, title) < 2 {
						t.Errorf("the title %q is not on the page", title)
					}
					checkSafe(t, w)
				})
			}
		}
	}
}

func checkHeader(t *testing.T, w *httptest.ResponseRecorder, lang language) {
	t.Helper()
	// The page with a form must send a real Origin with it.
	referrer := "no-referrer"
	if strings.Contains(w.Body.String(), "<form") {
		referrer = "same-origin"
	}
	framing, frames := "DENY", "'none'"
	if strings.Contains(w.Body.String(), `target="_top"`) {
		framing, frames = "SAMEORIGIN", "'self'"
	}
	for name, want := range map[string]string{
		"Content-Type":           "text/html; charset=utf-8",
		"Content-Length":         strconv.Itoa(w.Body.Len()),
		"Content-Language":       string(lang),
		"Vary":                   "Accept-Language",
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
		"X-Frame-Options":        framing,
		"Referrer-Policy":        referrer,
		"X-Robots-Tag":           "noindex",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	_, rest, _ := strings.Cut(w.Body.String(), "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	hash := sha256.Sum256([]byte(style))
	form := "'none'"
	if strings.Contains(w.Body.String(), "<form") {
		form = "'self'"
	}
	if strings.Contains(w.Body.String(), `id="kept-form"`) {
		form = "http: https:" // the app may redirect elsewhere after the post
	}
	runs := ""
	if _, rest, ok := strings.Cut(w.Body.String(), "<script>"); ok {
		code, _, _ := strings.Cut(rest, "</script>")
		hash := sha256.Sum256([]byte(code))
		runs = "script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'; "
		if code == scanScript || strings.Contains(w.Body.String(), `id="kept-form"`) {
			runs += "connect-src 'self'; "
		}
	}
	want := "default-src 'none'; " + runs + "style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; img-src data:; form-action " + form + "; frame-ancestors " + frames + "; base-uri 'none'"
	if got := w.Header().Get("Content-Security-Policy"); got != want || style == "" {
		t.Errorf("policy\n%s, want\n%s", got, want)
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		head, whole := ask(t, full(kind), http.MethodHead), ask(t, full(kind), http.MethodGet)
		if head.Body.Len() != 0 || head.Code != whole.Code {
			t.Errorf("%s: HEAD answers %d with %d bytes, GET %d", kind, head.Code, head.Body.Len(), whole.Code)
		}
		if got, want := head.Header().Get("Content-Length"), strconv.Itoa(whole.Body.Len()); got != want {
			t.Errorf("%s: Content-Length %s, want %s", kind, got, want)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{
		0: 400, 200: 200, 429: 429, 502: 502, 599: 599, // the default of TryAgain is 400
		-1: 400, 42: 400, 100: 400, 103: 400, 204: 400, 205: 400, 304: 400, 600: 400, 1000: 400,
	} {
		p := Page{Kind: TryAgain, Status: status}
		if got := ask(t, p, http.MethodGet).Code; got != want || p.HTTPStatus() != want {
			t.Errorf("Status %d answers %d and says %d, want %d", status, got, p.HTTPStatus(), want)
		}
	}
	if got := ask(t, Page{Kind: "nonsense"}, http.MethodGet).Code; got != http.StatusInternalServerError {
		t.Errorf("an unknown kind answers %d", got)
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		after          time.Duration
		method         string
		retry, refresh string
		text           string
	}{
		{0, "GET", "10", "10", "in 10\u00a0s."},
		{5 * time.Second, "GET", "5", "5", "in 5\u00a0s."},
		{1, "GET", "1", "1", "in 1\u00a0s."},
		{5*time.Second + 1, "HEAD", "6", "6", ""},
		{1<<63 - 1, "GET", "3600", "3600", "in 3600\u00a0s."},
		{-1, "GET", "", "", "Please go back"},
		{5 * time.Second, "POST", "5", "", "Please go back"}, // a reload would post again
	} {
		w := ask(t, Page{Kind: Unavailable, RetryAfter: c.after}, c.method, "Accept-Language", "en")
		if got := w.Header().Get("Retry-After"); got != c.retry {
			t.Errorf("%s %v: Retry-After %q, want %q", c.method, c.after, got, c.retry)
		}
		if got := w.Header().Get("Refresh"); got != c.refresh {
			t.Errorf("%s %v: Refresh %q, want %q", c.method, c.after, got, c.refresh)
		}
		if !strings.Contains(w.Body.String(), c.text) {
			t.Errorf("%s %v: the page does not say %q", c.method, c.after, c.text)
		}
	}
	// A reload does nothing where the address ends in a fragment, so the page
	// may go elsewhere.
	elsewhere := Page{Kind: Unavailable, RetryAfter: time.Second, ContinueURL: "/_wechat/login?return_to=%2Fx"}
	for method, want := range map[string]string{"GET": "1; url=/_wechat/login?return_to=%2Fx", "POST": ""} {
		if got := ask(t, elsewhere, method).Header().Get("Refresh"); got != want {
			t.Errorf("%s with an address: Refresh %q, want %q", method, got, want)
		}
	}
	// A header with a longer address is more than nginx reads: the button still
	// leads there.
	long := Page{Kind: Unavailable, ContinueURL: "/_wechat/login?return_to=" + strings.Repeat("a", maxRefresh)}
	if w := ask(t, long, "GET"); w.Header().Get("Refresh") != "" || !strings.Contains(w.Body.String(), `href="`+long.ContinueURL+`"`) {
		t.Errorf("a long address: Refresh %.40q", w.Header().Get("Refresh"))
	}
	for _, kind := range kinds {
		h := ask(t, Page{Kind: kind, RetryAfter: time.Second}, http.MethodGet).Header()
		if kind != Unavailable && (h.Get("Retry-After") != "" || h.Get("Refresh") != "") {
			t.Errorf("%s reloads itself", kind)
		}
	}
}

func TestHeadersOfOthers(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	gone := []string{"Content-Encoding", "Etag", "Last-Modified", "Location", "Refresh", "Retry-After"}
	for _, name := range gone {
		w.Header().Set(name, "left over")
	}
	w.Header().Set("Content-Length", "3")
	w.Header().Set("Cache-Control", "public")
	w.Header().Set("Vary", "Cookie")
	w.Header().Add("Set-Cookie", "a=1")
	full(Consent).Write(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	for _, name := range gone {
		if got := w.Header().Get(name); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := strings.Join(w.Header().Values("Vary"), ", "); got != "Cookie, Accept-Language" {
		t.Errorf("Vary: %s", got)
	}
	if w.Header().Get("Set-Cookie") != "a=1" {
		t.Error("the cookie is gone")
	}
	if got := w.Header().Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	if got := w.Header().Get("Content-Length"); got != strconv.Itoa(w.Body.Len()) {
		t.Errorf("Content-Length: %s", got)
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for _, kind := range kinds {
		want := get(t, full(kind), english).Body.String()
		for range 4 {
			wg.Go(func() {
				if get(t, full(kind), english).Body.String() != want {
					t.Errorf("%s differs", kind)
				}
			})
		}
	}
	wg.Wait()
}

func BenchmarkWrite(b *testing.B) {
	for _, kind := range []Kind{Consent, OpenInWeChat} {
		b.Run(string(kind), func(b *testing.B) {
			p := full(kind)
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
			b.ReportAllocs()
			for b.Loop() {
				p.Write(httptest.NewRecorder(), r)
			}
		})
	}
}
