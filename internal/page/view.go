package page

import (
	"bytes"
	"html/template"
	"strconv"
	"strings"
	"time"
)

const (
	defaultRetry = 10 * time.Second
	maxRetry     = time.Hour

	// maxRefresh bounds an address in the header Refresh, in bytes: nginx has 4
	// KiB for all headers of an answer. A page with a longer address does not
	// reload itself.
	maxRefresh = 2560
)

// view is the data of a template: the cleaned fields of a Page. Operators'
// templates use the same names.
type view struct {
	Kind        Kind
	Lang        language
	Site        string
	URL         string
	QR          template.HTML // URL, or its site's front page, as an inline SVG; empty if there is none
	Dense       bool          // QR has many small modules and should be drawn large
	Front       bool          // QR opens the front page: URL is too long for a code
	ContinueURL string
	DeclineURL  string
	ReturnTo    string
	Reference   string
	Reloads     bool // the page reloads itself
	Top         bool // the button opens the page's own address in the whole window

	WaitURL    string // where the script gets the phone's answer
	NextURL    string // where the page goes after the phone's answer, and what it reloads without script
	ConfirmURL string
	SwitchURL  string // to sign in as the other person; not ConfirmURL, for which older templates have a form with numbers
	Number     string
	Numbers    []string
	Device     string
	Network    string

	retry int // seconds, 0 for never
	ago   int // seconds
	theme *Theme
}

// view cleans p for the template. A page may reload itself if that repeats a
// safe request.
func (p Page) view(lang language, safe bool) view {
	v := view{
		Kind:      p.Kind.known(),
		Lang:      lang,
		Site:      cleanSite(p.Site),
		Reference: cleanReference(p.Reference),
		theme:     p.Theme,
	}
	if v.theme == nil || v.theme.template == nil {
		v.theme = builtin()
	}
	if v.theme.texts.has(v.Kind, "continue") {
		v.ContinueURL = cleanPath(p.ContinueURL)
	}
	switch v.Kind {
	case OpenInWeChat:
		v.URL = cleanAddress(p.URL)
		code := v.URL
		if v.Front = len(code) > sturdyQR; v.Front {
			code = frontPage(code)
		}
		v.QR = drawQR(code)
	case Scan:
		code := cleanAddress(p.URL)
		v.QR, v.Dense = drawQR(code), len(code) > sturdyQR
		v.Number = cleanNumber(p.Number)
		if v.NextURL = cleanPath(p.ContinueURL); v.NextURL != "" {
			v.WaitURL = cleanPath(p.WaitURL)
		}
	case ScanConfirm:
		v.ConfirmURL = cleanPath(p.ConfirmURL)
		v.Numbers = cleanNumbers(p.Numbers)
		v.Device, v.Network = cleanPlain(p.Device), cleanPlain(p.Network)
		v.ago = int(min(max(p.Ago, 0), time.Hour) / time.Second)
	case Framed:
		v.Top = true
	case OtherPerson:
		v.SwitchURL = cleanPath(p.ConfirmURL)
	case Consent:
		v.DeclineURL = cleanPath(p.DeclineURL)
		v.ReturnTo = cleanField(p.ReturnTo)
	case Unavailable:
		v.retry = retrySeconds(p.RetryAfter)
		v.Reloads = v.retry > 0 && safe && len(v.ContinueURL) <= maxRefresh
	}
	return v
}

// retrySeconds returns d as whole seconds, 0 for never.
func retrySeconds(d time.Duration) int {
	switch {
	case d < 0:
		return 0
	case d == 0:
		d = defaultRetry
	}
	d = min(d, maxRetry)
	return int((d + time.Second - 1) / time.Second)
}

// render returns the page as HTML. If the operator's theme fails on this page,
// it uses the built-in one, so that the visitor always gets an answer.
func (v *view) render() []byte {
	var b bytes.Buffer
	b.Grow(12 << 10)
	if err := v.theme.template.Execute(&b, v); v.theme != builtin() && (err != nil || !v.complete(b.Bytes())) {
		v.theme = builtin() // for the Content-Security-Policy too
		return v.render()
	}
	return b.Bytes()
}

// complete reports whether a page has the parts that it needs. An operator's
// template may be older than the pages for signing in with the phone.
func (v *view) complete(body []byte) bool {
	has := func(s string) bool { return bytes.Contains(body, []byte(s)) }
	switch v.Kind {
	case Scan:
		return has(string(v.QR)) && has(v.Number) && has(string(v.Script()))
	case ScanConfirm:
		return v.ConfirmURL == "" || has(`method="post"`) && has(`name="number"`) && has(`name="deny"`)
	case Framed:
		return has(`target="_top"`)
	case OtherPerson:
		return v.SwitchURL == "" || has(`method="post"`)
	}
	return true
}

// hasForm reports whether the page has a form.
func (v view) hasForm() bool { return v.DeclineURL != "" || v.ConfirmURL != "" || v.SwitchURL != "" }

// Style returns the style element, byte for byte as hashed for the
// Content-Security-Policy.
func (v view) Style() template.HTML { return v.theme.style }

// Picture returns the illustration of this page, an inline SVG.
func (v view) Picture() template.HTML { return v.theme.pictures[v.Kind] }

// Has reports whether this page has words for a key.
func (v view) Has(key string) bool { return v.theme.texts.has(v.Kind, key) }

// T returns the words of this page, or of all pages, for a key. If the code
// opens the front page, it returns other words for the same keys, so that
// operators' templates show them too.
func (v view) T(key string) (string, error) {
	if v.Front && v.theme.texts.has(v.Kind, key+"_front") {
		key += "_front"
	}
	words, err := v.theme.texts.find(v.Kind, key)
	if err != nil {
		return "", err
	}
	text := words.in(v.Lang)
	if strings.Contains(text, "{site}") {
		text = strings.ReplaceAll(text, "{site}", v.siteName())
	}
	text = strings.ReplaceAll(text, "{ago}", strconv.Itoa(v.ago))
	return strings.ReplaceAll(text, "{seconds}", strconv.Itoa(v.retry)), nil
}

// siteName returns the name of the site in a sentence.
func (v view) siteName() string {
	if v.Site != "" {
		return v.Site
	}
	words, _ := v.theme.texts.find(v.Kind, "this_site") // operators' texts cannot remove it
	return words.in(v.Lang)
}
