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

	// maxRefresh bounds an address in the header Refresh, in bytes: nginx reads
	// the header of an answer into 4 KiB, and ours has more in it. A page with
	// a longer one does not reload itself.
	maxRefresh = 2560
)

// view is what a template works with: the fields of a Page after cleaning. Own
// templates use the same names.
type view struct {
	Kind        Kind
	Lang        language
	Site        string
	URL         string
	QR          template.HTML // URL, or its site's front page, as an inline SVG; empty if there is none
	Dense       bool          // QR has many small modules: draw it large
	Front       bool          // QR opens the front page: URL is too long for a code
	ContinueURL string
	DeclineURL  string
	ReturnTo    string
	Reference   string
	Reloads     bool // the page reloads itself
	Top         bool // the button opens the page's own address in the whole window

	WaitURL    string // of the script: where to ask
	NextURL    string // where the page goes when there is news, and to ask without a script
	ConfirmURL string
	SwitchURL  string        // to become another person; not ConfirmURL, for which older templates have a form of numbers
	FollowURL  string        // to ask again whether the visitor follows
	Code       template.HTML // the account's QR code, an <img>; empty if there is none
	Number     string
	Numbers    []string
	Device     string
	Network    string

	Waits bool // a form may wait in this tab (Resend)
	Other bool // another person had filled it in

	cause  Cause         // why a form was not sent
	data   template.HTML // of the script, as an element, and the script
	copies bool          // the page has the script that copies the address
	retry  int           // seconds, 0 for never
	ago    int           // seconds
	theme  *Theme
}

// view cleans p for the template. A page may reload itself where that repeats a
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
	case OtherPerson, NotAllowed:
		v.SwitchURL = cleanPath(p.ConfirmURL)
	case Follow:
		v.FollowURL, v.ReturnTo, v.cause = cleanPath(p.ConfirmURL), cleanField(p.ReturnTo), p.Cause
		v.Code = p.Code.element(&v)
	case SignInExpired:
		v.data, v.cause = dataBlock(p.Data), p.Cause
	case SignedOut:
		v.data = dataBlock(p.Data)
	case Resend:
		v.data, v.Waits, v.Other = dataBlock(p.Data), p.Data != nil, p.Other
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

// render returns the page as HTML. A theme of the operator that fails on this
// page gives way to the built-in one: the visitor always gets an answer.
func (v *view) render() []byte {
	var b bytes.Buffer
	b.Grow(len(v.theme.css) + 12<<10 + len(v.data))
	spare := v.theme.orSpare()
	if err := v.theme.template.Execute(&b, v); v.theme != spare && (err != nil || len(v.missing(b.Bytes())) > 0) {
		v.theme = spare // for the Content-Security-Policy too
		return v.render()
	}
	v.copies = v.URL != "" && bytes.Contains(b.Bytes(), []byte(addressScript().element))
	return b.Bytes()
}

// hasForm reports whether the page posts something.
func (v view) hasForm() bool {
	return v.DeclineURL != "" || v.ConfirmURL != "" || v.SwitchURL != "" || v.FollowURL != "" || v.Waits
}

// Style returns the stylesheet with its element, byte for byte as the
// Content-Security-Policy has hashed it.
func (v view) Style() template.HTML { return v.theme.style }

// Picture returns the illustration of this page, an inline SVG.
func (v view) Picture() template.HTML { return v.theme.pictures[v.Kind] }

// Has reports whether this page has words for a key.
func (v view) Has(key string) bool { return v.theme.texts.has(v.Kind, key) }

// T returns the words of this page, or of all pages, for a key. Where the code
// opens the front page, and where there is a Cause, the page says so, in a
// layout of the operator too: it asks for the same keys.
func (v view) T(key string) (string, error) {
	if v.Front && v.theme.texts.has(v.Kind, key+"_front") {
		key += "_front"
	}
	if special := key + "_" + string(v.cause); v.cause != "" && v.theme.texts.has(v.Kind, special) {
		key = special
	}
	words, err := v.theme.texts.find(v.Kind, key)
	if err != nil {
		return "", err
	}
	text := v.fillSiteName(words.in(v.Lang))
	text = strings.ReplaceAll(text, "{ago}", strconv.Itoa(v.ago))
	return strings.ReplaceAll(text, "{seconds}", strconv.Itoa(v.retry)), nil
}
