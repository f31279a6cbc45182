package page

import (
	"net/http"
	"strconv"
	"time"
)

// Page is one page for one visitor. Invalid values are dropped and never shown:
// every field may come from a hostile request.
type Page struct {
	// Kind is the kind of the page; an unknown kind becomes Misconfigured.
	Kind Kind

	// Site is the host shown to the visitor, with or without a port, at most
	// 255 bytes.
	Site string

	// URL is the absolute http or https address to open in WeChat
	// (OpenInWeChat, Scan). OpenInWeChat shows it as text, up to 8192 bytes,
	// and draws it as a QR code up to 300 bytes; the code of a longer one opens
	// the site's front page, and the page says so. Scan draws it up to 512
	// bytes.
	URL string

	// ContinueURL is where the main button leads: Consent to WeChat's consent,
	// Snapshot, TryAgain, Unavailable, NotAllowed, SignInExpired, SignedOut,
	// CookiesOff, ScanDenied and ScanExpired to another sign-in, OtherPerson to
	// the page as the person who is signed in, Resend to the front page; the
	// other kinds have no such button. The button of Framed does not use it: it opens the
	// page's own address in the whole window. It is a path of this site below
	// /_wechat/, at most 8192 bytes. Empty means no button. A Scan page has no
	// button: it goes there when the phone has answered, and, without script,
	// loads it every few seconds.
	ContinueURL string

	// WaitURL is where a Scan page gets the phone's answer: WaitURL/events is a
	// stream of server-sent events, WaitURL/state returns the same state as
	// JSON, {"state":"waiting"}. Any other state leads to ContinueURL. The
	// rules of ContinueURL apply, and it has no query. Empty means that only
	// ContinueURL is loaded.
	WaitURL string

	// DeclineURL is where the form to continue without consent is posted to
	// (Consent). The rules of ContinueURL apply. The Content-Security-Policy
	// allows the answer to redirect only within the same origin.
	DeclineURL string

	// ConfirmURL is where a ScanConfirm page posts its form to: number is the
	// chosen one of Numbers, or deny=1. OtherPerson and NotAllowed pages post an
	// empty form there, NotAllowed to sign out. A Follow
	// page posts ReturnTo there. The rules of DeclineURL apply.
	ConfirmURL string

	// Code is the QR code by which visitors follow the account (Follow).
	Code Code

	// Number is shown beside the code of a Scan page. Numbers are the choices
	// of a ScanConfirm page, at most four. Each has up to 6 digits.
	Number  string
	Numbers []string

	// Device and Network describe the browser that asks, such as "Windows ·
	// Chrome" and "203.0.113.x", and Ago is how long ago it asked
	// (ScanConfirm): at most 60 letters, digits, blanks and . : · - and whole
	// seconds up to an hour.
	Device, Network string
	Ago             time.Duration

	// ReturnTo is the value of the form's field return_to, at most 8192 bytes.
	// Empty means no field.
	ReturnTo string

	// Data is what the script of the page gets, as JSON: SignInExpired keeps a
	// form in the tab with it, Resend sends the form, SignedOut drops it. Nil
	// means that the page has no script.
	Data any

	// Cause says why a form was not sent (SignInExpired), or NotYet (Follow). An
	// unknown one has the words of the zero value.
	Cause Cause

	// Other says that another person had filled in the form of a Resend page.
	Other bool

	// Reference is a short id for the support, shown small: at most 40
	// characters of [A-Za-z0-9-].
	Reference string

	// RetryAfter is the time after which an Unavailable page loads ContinueURL,
	// or reloads if there is none, and the value of Retry-After: rounded up to
	// whole seconds, at most an hour. Zero means ten seconds, a negative value
	// never. A page does not load a ContinueURL longer than 2560 bytes by
	// itself.
	RetryAfter time.Duration

	// Status is the HTTP status. Zero, and a status without a body, mean the
	// default of the kind.
	Status int

	// Theme is the theme of the page. nil means the built-in one.
	Theme *Theme
}

// HTTPStatus returns the status that Write answers with.
func (p Page) HTTPStatus() int { return p.Kind.known().status(p.Status) }

// Write answers r with the page in the language that r prefers, or only with
// its headers if r is a HEAD request. The caller must write nothing before and
// after it; cookies that it has set are kept.
func (p Page) Write(w http.ResponseWriter, r *http.Request) {
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	v := p.view(preferred(r), safe)
	body := v.render()
	v.setHeader(w.Header())
	p.Data, v.data = nil, "" // may be large, and the visitor may read slowly
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.HTTPStatus())
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the visitor is gone: the error cannot be reported
	}
}
