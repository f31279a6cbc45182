package page

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// checkScript fails where a page has a script that it should not have, or none
// where it should.
func checkScript(t *testing.T, w *httptest.ResponseRecorder, want bool) {
	t.Helper()
	body, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
	if got := strings.Contains(body, "<script"); got != want || strings.Contains(policy, "script-src") != want ||
		strings.Contains(policy, "connect-src") != (strings.Contains(body, scanScript) || strings.Contains(body, `id="kept-form"`)) {
		t.Errorf("script: %t, want %t; policy %s", got, want, policy)
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
}

// The computer's page says where to ask, with a script and without.
func TestScan(t *testing.T) {
	t.Parallel()
	p := full(Scan)
	p.URL = "https://shop.example.com/_wechat/scan/Abc_-1"
	w := get(t, p, english)
	all, text := elements(t, w.Body.Bytes())
	for name, want := range map[string]string{"data-wait": p.WaitURL, "data-next": p.ContinueURL} {
		found := ""
		for _, e := range all {
			for _, a := range e.Attr {
				if a.Name.Local == name {
					found = a.Value
				}
			}
		}
		if found != want {
			t.Errorf("%s: %q, want %q", name, found, want)
		}
	}
	body := w.Body.String()
	_, refresh, _ := strings.Cut(body, "<noscript>")
	refresh, _, _ = strings.Cut(refresh, "</noscript>")
	if want := `<meta http-equiv="refresh" content="4;url=` + p.ContinueURL + `">`; refresh != want {
		t.Errorf("without script %q, want %q", refresh, want)
	}
	if w.Header().Get("Refresh") != "" {
		t.Error("the page reloads with a script, too")
	}
	if !strings.Contains(body, string(drawQR(p.URL))) || !strings.Contains(text, "407") {
		t.Error("no code, or no number")
	}
	// Who shows the code to others must not show its address in letters, too.
	if strings.Contains(text, p.URL) {
		t.Error("the address is on the page as text")
	}
	p.ContinueURL = "https://evil.example/"
	if w = get(t, p, english); strings.Contains(w.Body.String(), "<script") || strings.Contains(w.Body.String(), "noscript") {
		t.Error("a page that waits, and leads nowhere")
	}
}

// The phone's page: who asks, one click on a number, one on no.
func TestScanConfirm(t *testing.T) {
	t.Parallel()
	p := full(ScanConfirm)
	w := get(t, p, english)
	all, text := elements(t, w.Body.Bytes())
	for _, want := range []string{"Windows · Chrome", "203.0.113.x", "14 s ago", "shop.example.com"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	var buttons []string
	for _, e := range all {
		if e.Name.Local == "button" {
			one := []string{}
			for _, a := range e.Attr {
				if a.Name.Local != "class" {
					one = append(one, a.Value)
				}
			}
			buttons = append(buttons, strings.Join(one, "="))
		}
	}
	if got := strings.Join(buttons, " "); got != "number=119 number=407 number=823 deny=1" {
		t.Errorf("buttons %s", got)
	}
	for ago, want := range map[time.Duration]string{-time.Hour: "0 s ago", 1999 * time.Millisecond: "1 s ago", 1<<63 - 1: "3600 s ago"} {
		p.Ago = ago
		if !strings.Contains(get(t, p, english).Body.String(), want) {
			t.Errorf("%v: not %q", ago, want)
		}
	}
	p.Numbers = []string{"1", "22", "333", "4444", "55555"}
	if n := strings.Count(get(t, p, english).Body.String(), `name="number"`); n != maxNumbers {
		t.Errorf("%d numbers", n)
	}
}

// A template that the operator wrote before there were these pages gives way
// where it would leave visitors stuck.
func TestThemeOfBefore(t *testing.T) {
	t.Parallel()
	theme, err := LoadTheme(folder(map[string]string{"page.html": `<!doctype html><title>{{.T "title"}}</title>{{.Style}}<h2>mine</h2>{{.QR}}`}))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		p := full(kind)
		p.Theme = theme
		w := get(t, p, english)
		if kind != Consent && kind != SignInExpired && kind != SignedOut && kind != NotAllowed { // whose policies allow what the template leaves out
			checkHeader(t, w, english)
		}
		stuck := kind == Scan || kind == ScanConfirm || kind == Framed || kind == OtherPerson || kind == Follow || kind == Resend
		if mine := strings.Contains(w.Body.String(), "<h2>mine"); mine == stuck {
			t.Errorf("%s: the own template %t", kind, mine)
		}
	}
	theme, err = LoadTheme(folder(map[string]string{
		"page.html": `<!doctype html><title>{{.T "title"}}</title>{{.Style}}<h2>mine</h2><div data-wait="{{.WaitURL}}" data-next="{{.NextURL}}">{{.QR}}</div>{{.Number}}{{.Script}}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	p := full(Scan)
	p.Theme = theme
	w := get(t, p, english)
	checkHeader(t, w, english)
	checkScript(t, w, true)
	if !strings.Contains(w.Body.String(), "<h2>mine") {
		t.Error("a template that has everything is not used")
	}
}
