package page

import (
	"net/http"
	"strconv"
	"time"
)

// Page is one page for one visitor. Values that are not what their field asks for are dropped, never shown:
// every field may come from a hostile request.
type Page struct {
	// Kind says which page it is; an unknown one becomes Misconfigured.
	Kind Kind

	// Site is the host shown to the visitor, with or without a port, at most 255 bytes.
	Site string

	// URL is the absolute http or https address to open in WeChat (OpenInWeChat, Scan). OpenInWeChat shows it as
	// text, up to 8192 bytes, and draws it as a QR code up to 300 bytes; the code of a longer one opens the site's
	// front page, and the page says so. Scan draws it up to 512 bytes.
	URL string

	// ContinueURL is where the main button leads: Consent to WeChat's consent, Snapshot, TryAgain, Unavailable,
	// SignInExpired, SignedOut, CookiesOff, ScanDenied and ScanExpired to another sign-in, OtherPerson to the page as
	// who is signed in; the other kinds have no such button. Framed has one without it, which opens the page's own address in the whole window.
	// It is a path of this site below /_wechat/, at most 8192 bytes. Empty means no button.
	// A Scan page has no button: it goes there by itself when the phone has answered, and asks there again every few
	// seconds where there is no script.
	ContinueURL string

	// WaitURL is where a Scan page asks what the phone says: WaitURL/events is a stream of server-sent events,
	// WaitURL/state the same as JSON, {"state":"waiting"}. Anything but waiting leads to ContinueURL. The same rules as
	// for ContinueURL, without a query. Empty means that only ContinueURL is asked.
	WaitURL string

	// DeclineURL is where the form to go on without consent is posted to (Consent). The same rules as for ContinueURL.
	// The Content-Security-Policy allows the answer to redirect within the same origin only.
	DeclineURL string

	// ConfirmURL is where a ScanConfirm page posts its form to: number is the one of Numbers that was chosen, or
	// deny=1. An OtherPerson page posts an empty form there. The same rules as for DeclineURL.
	ConfirmURL string

	// Number is what a Scan page shows beside the code, Numbers what a ScanConfirm page lets choose from, at most four:
	// each of up to 6 digits.
	Number  string
	Numbers []string

	// Device and Network name the browser that asks, such as "Windows · Chrome" and "203.0.113.x", and Ago since when
	// it does (ScanConfirm): at most 60 letters, digits, blanks and . : · - and whole seconds up to an hour.
	Device, Network string
	Ago             time.Duration

	// ReturnTo is the value of the form's field return_to, at most 8192 bytes. Empty means no field.
	ReturnTo string

	// Reference is a short id to tell the support, shown small: at most 40 characters of [A-Za-z0-9-].
	Reference string

	// RetryAfter is when an Unavailable page goes to ContinueURL by itself, or reloads where there is none, and what
	// Retry-After says: rounded up to whole seconds, at most an hour. Zero means ten seconds, a negative value never. A
	// page whose ContinueURL is longer than 2560 bytes does not go there by itself.
	RetryAfter time.Duration

	// Status is the HTTP status. Zero, and a status that cannot carry a page, mean the default of the kind.
	Status int

	// Theme is the look of the page. Nil is the built-in one.
	Theme *Theme
}

// HTTPStatus is the status that Write answers with.
func (p Page) HTTPStatus() int { return p.Kind.known().status(p.Status) }

// Write answers r with the page, in the language that r prefers, or with its headers only if r is a HEAD request.
// The caller writes nothing before and nothing after it; cookies it has set are kept.
func (p Page) Write(w http.ResponseWriter, r *http.Request) {
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	v := p.view(preferred(r), safe)
	body := v.render()
	v.setHeader(w.Header())
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.HTTPStatus())
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the visitor may have left: nobody to tell
	}
}
