package gate

import "github.com/caddy-wechat/gateway/internal/site"

// Standing says how far the request's session satisfies this path.
type Standing uint8

// From no session to one that satisfies the path.
const (
	NoSession Standing = iota // no session
	Guest                     // a virtual visitor of a 快照页
	Lacking                   // signed in, but the path asks for consent
	Satisfied                 // signed in, with all that the path asks for
)

// Facts is all that a decision depends on.
type Facts struct {
	Access       site.Access
	Standing     Standing
	Navigation   bool         // GET or HEAD of a page
	Form         bool         // a form of this site that can be kept: not a navigation, but a write
	Write        bool         // a method other than GET, HEAD and OPTIONS
	InWeChat     bool         // the client can complete the dance
	Outside      site.Outside // what to do with clients that cannot
	LosesCookies bool         // this browser came back from WeChat several times without keeping a session
	Excused      bool         // this browser just passed an optional path without an identity, or cannot be signed in
}

// signInRequested returns the facts for a visitor who asks to sign in, or whom
// the app asks to. Passing without a session would make a script retry for
// ever.
func (f Facts) signInRequested() Facts {
	if f.Outside == site.OutsidePass {
		f.Outside = site.OutsideQR
	}
	return f
}

// Verdict is the decision for one request.
type Verdict uint8

// The verdicts.
const (
	Pass           Verdict = iota // to the upstream, with the identity if there is one
	Begin                         // 302 to WeChat, silently
	AskConsent                    // the consent page, or WeChat's, as configured
	Refuse                        // 401: JSON, or a page for a navigation and for a form that was posted
	RefuseWrite                   // 403: a snapshot guest may only read
	ExplainOutside                // a page: open this in WeChat
	ExplainCookies                // a page: this browser does not keep our cookie
	ShowScan                      // a page: a QR code by which a phone signs this browser in
	KeepForm                      // a page: it keeps the form in the tab and signs the visitor in
)

// decision returns the name of a verdict other than Pass in metrics.
func (v Verdict) decision() site.Decision {
	switch v {
	case Begin:
		return site.DecidedBegin
	case AskConsent:
		return site.DecidedAskConsent
	case RefuseWrite:
		return site.DecidedRefuseWrite
	case ExplainOutside:
		return site.DecidedExplainOutside
	case ExplainCookies:
		return site.DecidedExplainCookies
	case ShowScan:
		return site.DecidedShowScan
	case KeepForm:
		return site.DecidedKeepForm
	default:
		return site.DecidedRefuse
	}
}

// Decide is the decision table. It is pure: the same facts give the same
// verdict. No row lets a request with an identity through because of its
// User-Agent; InWeChat only selects how the request is turned away.
func Decide(f Facts) Verdict {
	switch {
	case f.Access == site.Public, f.Standing == Satisfied:
		return Pass
	case f.Standing == Guest:
		return decideGuest(f)
	case f.Access == site.Optional:
		return decideOptional(f)
	case !f.InWeChat && f.Outside == site.OutsidePass:
		return Pass
	case f.Form:
		return decideForm(f)
	case !f.Navigation:
		return Refuse
	case !f.InWeChat && f.Outside == site.OutsideRefuse:
		return Refuse
	case !f.InWeChat && f.Outside == site.OutsideScan:
		return decideScan(f)
	case !f.InWeChat && f.Outside != site.OutsideLogin:
		return ExplainOutside
	case f.Standing == Lacking:
		return AskConsent
	case f.LosesCookies:
		return ExplainCookies
	default:
		return Begin
	}
}

func decideGuest(f Facts) Verdict {
	if f.Write {
		return RefuseWrite
	}
	return Pass
}

// decideForm keeps a form where a page with this address would lead to a
// sign-in or a question.
func decideForm(f Facts) Verdict {
	f.Navigation, f.Form, f.Write = true, false, false
	switch Decide(f) {
	case Begin, AskConsent, ShowScan, ExplainCookies:
		return KeepForm
	default:
		return Refuse
	}
}

// decideScan shows a code for a phone, also when consent is missing: only a
// phone can give it.
func decideScan(f Facts) Verdict {
	if f.Standing == NoSession && f.LosesCookies {
		return ExplainCookies // phones have confirmed several times, but the browser keeps no session
	}
	return ShowScan
}

// decideOptional never turns a visitor away: a browser that does not keep our
// cookie gets the page without an identity.
func decideOptional(f Facts) Verdict {
	if f.Standing == NoSession && f.Navigation && f.InWeChat && !f.LosesCookies && !f.Excused {
		return Begin
	}
	return Pass
}
