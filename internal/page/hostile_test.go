package page

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostile is what an attacker would like to see on a page of ours.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</style><script>alert(1)</script>`,
	`</title><svg onload=alert(1)>`, `javascript:alert(1)`, `JaVaScRiPt:alert(1)`, "java\nscript:alert(1)", `data:text/html,<script>1</script>`,
	`//evil.example/`, `/\evil.example`, `https://evil.example/`, `/_wechat/"><script>alert(1)</script>`, `/_wechat/' autofocus onfocus=alert(1) '`,
	"/_wechat/\r\nSet-Cookie: a=b", `{{.Style}}`, `{site}{seconds}`, "\x00", "\xff\xfe", "shop\u202eexample.com", "&lt;script&gt;",
	`https://x.example/"><script>alert(1)</script>`, `https://x.example/?a='><b onclick=alert(1)>`, "https://x.example/\u2028",
	`<!--`, `-->`, `]]>`, "`", strings.Repeat("<", 9000), strings.Repeat("/_wechat/", 2000),
}

var (
	safeElements = []string{
		"html", "head", "meta", "link", "title", "style", "body", "main", "p", "div", "h1", "dl", "dt", "dd", "a", "form", "input",
		"button", "details", "summary", "footer", "span", "img", "br", "svg", "path", "circle", "rect", "noscript",
	}
	safeAttributes = []string{
		"lang", "charset", "name", "content", "rel", "href", "class", "method", "action", "type", "value", "role", "aria-label",
		"aria-hidden", "viewBox", "shape-rendering", "fill", "stroke", "stroke-width", "d", "cx", "cy", "r", "x", "y", "width", "height", "rx",
		"http-equiv", "target", "data-wait", "data-next", "data-copied", "data-failed", "id", "hidden", "accept-charset", "aria-live", "src", "alt",
	}
)

// checkScripts fails where a page has another script than one of ours, or other
// data than for it.
func checkScripts(tb testing.TB, body string) {
	tb.Helper()
	all, data := strings.Count(body, "<script"), strings.Count(body, `<script type="application/json" id="data">`)
	if ours := strings.Count(body, string(waitScript().element)) + strings.Count(body, string(addressScript().element)); ours == 1 && all == 1 && data == 0 {
		return
	}
	if ours := strings.Count(body, string(keepScript().element)); ours != 1 || all != 2 || data != 1 || strings.Count(body, "</script") != 2 {
		tb.Error("a script that is not ours")
	}
}

// checkSafe fails where a page has anything that could run or leave the site.
func checkSafe(tb testing.TB, w *httptest.ResponseRecorder) {
	tb.Helper()
	all, _ := elements(tb, w.Body.Bytes())
	for _, e := range all {
		if e.Name.Local == "script" {
			checkScripts(tb, w.Body.String())
			continue
		}
		if !slices.Contains(safeElements, e.Name.Local) {
			tb.Errorf("a <%s> stands on the page", e.Name.Local)
		}
		for _, a := range e.Attr {
			if !slices.Contains(safeAttributes, a.Name.Local) {
				tb.Errorf("<%s> has %s=%q", e.Name.Local, a.Name.Local, a.Value)
			}
			leads := a.Name.Local == "href" && a.Value != "" || a.Name.Local == "action" || a.Name.Local == "data-wait" || a.Name.Local == "data-next"
			if a.Name.Local == "content" && strings.Contains(a.Value, "url=") && !strings.HasPrefix(a.Value, "4;url=/_wechat/") {
				tb.Errorf("<%s> leads to %q", e.Name.Local, a.Value)
			}
			if leads && e.Name.Local != "link" && !strings.HasPrefix(a.Value, "/_wechat/") && !ofBrand(e.Name.Local, a.Value) {
				tb.Errorf("<%s> leads to %q", e.Name.Local, a.Value)
			}
			if e.Name.Local == "link" && a.Name.Local == "href" && a.Value != "data:," {
				tb.Errorf("<link> loads %q", a.Value)
			}
		}
	}
	for name, values := range w.Header() {
		if strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
			tb.Errorf("header %s: %q", name, values)
		}
	}
}

// ofBrand reports whether an address is one that only a brand brings: the
// privacy policy of the tests, or a way to reach the operator.
func ofBrand(element, address string) bool {
	return element == "a" && (address == brandPrivacy || plainTel.MatchString(address) || plainMail.MatchString(address))
}

var (
	plainTel  = regexp.MustCompile(`^tel:[+0-9-]+$`)
	plainMail = regexp.MustCompile(`^mailto:[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$`)
)

func TestHostileFields(t *testing.T) {
	t.Parallel()
	fields := map[string]func(*Page, string){
		"Kind":        func(p *Page, s string) { p.Kind = Kind(s) },
		"Site":        func(p *Page, s string) { p.Site = s },
		"URL":         func(p *Page, s string) { p.URL = s },
		"ContinueURL": func(p *Page, s string) { p.ContinueURL = s },
		"DeclineURL":  func(p *Page, s string) { p.DeclineURL = s },
		"ReturnTo":    func(p *Page, s string) { p.ReturnTo = s },
		"Reference":   func(p *Page, s string) { p.Reference = s },
		"WaitURL":     func(p *Page, s string) { p.WaitURL = s },
		"ConfirmURL":  func(p *Page, s string) { p.ConfirmURL = s },
		"Number":      func(p *Page, s string) { p.Number, p.Numbers = s, []string{s, s, "1", s, "2"} },
		"Device":      func(p *Page, s string) { p.Device = s },
		"Network":     func(p *Page, s string) { p.Network = s },
	}
	for name, set := range fields {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range kinds {
				for _, s := range hostile {
					p := full(kind)
					set(&p, s)
					checkSafe(t, get(t, p, english))
				}
			}
		})
	}
}

// Attack: script in the names and values of a form's fields runs on our page.
func TestAttackScriptInNamesAndValuesOfFields(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{SignInExpired, Resend, SignedOut} {
		for _, s := range append(slices.Clone(hostile), `</script><script>alert(1)</script>`, `<!--<script>`, "\u2028\u2029", `</SCRIPT >`) {
			p := full(kind)
			p.Data = map[string]any{"form": map[string]any{"fields": [][3]string{{s, s, ""}}}, s: s}
			w := get(t, p, english)
			checkSafe(t, w)
			_, rest, _ := strings.Cut(w.Body.String(), `id="data">`)
			data, _, _ := strings.Cut(rest, "</script>")
			var back struct {
				Form struct{ Fields [][3]string }
			}
			if err := json.Unmarshal([]byte(data), &back); err != nil || strings.ContainsAny(data, "<>&") {
				t.Errorf("%s: %q: the data is %s (%v)", kind, s, data, err)
			}
			if got := back.Form.Fields[0][0]; utf8.ValidString(s) && got != s {
				t.Errorf("%q came back as %q", s, got)
			}
		}
	}
}

func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	for _, s := range hostile {
		w := ask(t, full(Consent), http.MethodGet, "Accept-Language", s, "User-Agent", s, "Referer", s, "Host", s)
		checkSafe(t, w)
		if lang := w.Header().Get("Content-Language"); lang != "en" && lang != "zh-CN" {
			t.Errorf("Content-Language %q", lang)
		}
	}
}

// The value of the hidden field is the caller's again when it comes back, whatever it is.
func TestReturnToSurvives(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"/a?b=c&d=%2F#/x", `/"'<>&{}`, "/订单?名=值", strings.Repeat("x", maxLink)} {
		p := full(Consent)
		p.ReturnTo = s
		all, _ := elements(t, get(t, p, english).Body.Bytes())
		if got, _ := attr(all, "input", "value"); got != s {
			t.Errorf("return_to %q, want %q", got, s)
		}
	}
	for _, s := range []string{"", "a\nb", "\xff", strings.Repeat("x", maxLink+1)} {
		p := full(Consent)
		p.ReturnTo = s
		all, _ := elements(t, get(t, p, english).Body.Bytes())
		if _, there := attr(all, "input", "value"); there {
			t.Errorf("return_to %.20q has a field", s)
		}
		if _, there := attr(all, "form", "action"); !there {
			t.Errorf("return_to %.20q costs the form", s)
		}
	}
}

func FuzzPage(f *testing.F) {
	for i, s := range hostile {
		f.Add(string(kinds[i%len(kinds)]), s, s, s, s, s, s, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, kind, site, link, next, back, field, header string, zh bool) {
		p := Page{
			Kind: Kind(kind), Site: site, URL: link, ContinueURL: next, DeclineURL: back, ReturnTo: field, Reference: field,
			WaitURL: back, ConfirmURL: back, Number: field, Numbers: []string{field, site}, Device: field, Network: site,
		}
		lang := english
		if zh {
			lang = chinese
		}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			checkSafe(t, ask(t, p, method, "Accept-Language", string(lang)+","+header))
		}
	})
}
