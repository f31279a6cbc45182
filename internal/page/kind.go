package page

import "net/http"

// Kind is the kind of a page. Its text is also the name of the page in
// texts.json and of its illustration.
type Kind string

// The pages that a visitor can get.
const (
	OpenInWeChat  Kind = "open_in_wechat"  // the visitor is not in WeChat: a QR code and the address
	Consent       Kind = "consent"         // what is collected, before WeChat asks
	Snapshot      Kind = "snapshot"        // 快照页: WeChat shows it to a virtual visitor (wechat-protocol A6)
	TryAgain      Kind = "try_again"       // the sign-in failed; trying again may succeed
	Unavailable   Kind = "unavailable"     // WeChat or the session store does not answer now
	Misconfigured Kind = "misconfigured"   // only the operator can help
	Denied        Kind = "denied"          // WeChat does not allow this account to sign in here
	NotAllowed    Kind = "not_allowed"     // the operator does not let this visitor in
	SignInExpired Kind = "sign_in_expired" // the visitor has to sign in again
	SignedOut     Kind = "signed_out"      // the visitor signed out
	CookiesOff    Kind = "cookies_off"     // the browser does not keep the gateway's cookie
	Framed        Kind = "framed"          // the callback was opened inside a frame: a link leaves the frame
	OtherPerson   Kind = "other_person"    // a link would sign the visitor in as another person
	Follow        Kind = "follow"          // the site admits followers of its account only: the account's QR code
	Resend        Kind = "resend"          // a form that was posted without a session is sent again

	// Signing a computer in with the phone. The last two are for both.
	Scan          Kind = "scan"           // the computer: a QR code and a number
	ScanConfirm   Kind = "scan_confirm"   // the phone: which browser asks, and which number it shows
	ScanConfirmed Kind = "scan_confirmed" // the phone: done
	ScanDenied    Kind = "scan_denied"    // the phone refused
	ScanExpired   Kind = "scan_expired"   // the code is too old, or was used
)

// statuses holds every kind with its default status.
var statuses = map[Kind]int{
	OpenInWeChat:  http.StatusForbidden,
	Consent:       http.StatusOK,
	Snapshot:      http.StatusOK,
	TryAgain:      http.StatusBadRequest,
	Unavailable:   http.StatusServiceUnavailable,
	Misconfigured: http.StatusInternalServerError,
	Denied:        http.StatusForbidden,
	NotAllowed:    http.StatusForbidden,
	SignInExpired: http.StatusUnauthorized,
	SignedOut:     http.StatusOK,
	CookiesOff:    http.StatusBadRequest,
	Framed:        http.StatusOK,
	OtherPerson:   http.StatusOK,
	Follow:        http.StatusForbidden,
	Resend:        http.StatusOK,
	Scan:          http.StatusForbidden, // the requested page is not shown, as with OpenInWeChat
	ScanConfirm:   http.StatusOK,
	ScanConfirmed: http.StatusOK,
	ScanDenied:    http.StatusForbidden,
	ScanExpired:   http.StatusGone,
}

// known returns k, or Misconfigured for a kind that does not exist.
func (k Kind) known() Kind {
	if _, ok := statuses[k]; ok {
		return k
	}
	return Misconfigured
}

// status returns the status of the answer: want if it can have a body, else the
// default of the kind.
func (k Kind) status(want int) int {
	switch {
	case want < 200 || want > 599, // WriteHeader panics on some of these
		want == http.StatusNoContent, want == http.StatusResetContent, want == http.StatusNotModified:
		return statuses[k]
	}
	return want
}
