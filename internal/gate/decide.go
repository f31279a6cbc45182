package gate

import "github.com/caddy-wechat/gateway/internal/site"

// Standing is what the request's session is worth on this path.
type Standing uint8

// From nothing to everything.
const (
	Nobody    Standing = iota // no session
	Guest                     // a virtual visitor of a 快照页
	Lacking                   // signed in, but the path asks for consent
	Satisfied                 // signed in, nothing is missing
)

// Facts is all that a decision depends on.
type Facts struct {
	Access     site.Access
	Standing   Standing
	Navigation bool         // GET or HEAD of a page
	Write      bool         // a method other than GET, HEAD and OPTIONS
	InWeChat   bool         // the client can walk the dance
	Outside    site.Outside // what to do with clients that cannot
	Adrift     bool         // this browser came back from WeChat again and again without keeping a session
	Excused    bool         // this browser just passed an optional path without an identity, or cannot be signed in
}

// asked returns the facts for somebody who asks to sign in, or whom the app asks
// to: letting them pass without it would send a script round for ever.
func (f Facts) asked() Facts {
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
)

// Decide is the decision table. It is pure: the same facts, the same verdict.
// No row lets a request with an identity through because of its User-Agent;
// InWeChat only chooses between ways of being turned away.
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
	case f.Adrift:
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

// decideScan asks a phone, also for the consent that a browser lacks: only there can
// it be given.
func decideScan(f Facts) Verdict {
	if f.Standing == Nobody && f.Adrift {
		return ExplainCookies // a phone has confirmed again and again, in vain
	}
	return ShowScan
}

// decideOptional never turns anybody away: a browser that does not keep our
// cookie reads the page without an identity.
func decideOptional(f Facts) Verdict {
	if f.Standing == Nobody && f.Navigation && f.InWeChat && !f.Adrift && !f.Excused {
		return Begin
	}
	return Pass
}
