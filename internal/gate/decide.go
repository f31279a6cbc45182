package gate

// Access is what the operator says about a path.
type Access uint8

// A path is protected unless the configuration says otherwise.
const (
	Protected Access = iota // a session is needed
	Optional                // like Public, but a WeChat navigation is signed in silently first
	Public                  // passes without a session; one that is there is still forwarded
)

// Standing is what the request's session is worth on this path.
type Standing uint8

// From nothing to everything.
const (
	Nobody    Standing = iota // no session
	Guest                     // a virtual visitor of a 快照页
	Lacking                   // signed in, but the path asks for consent
	Satisfied                 // signed in, nothing is missing
)

// Outside is what happens to visitors who are not in WeChat.
type Outside string

// The values of the option outside_wechat.
const (
	OutsideQR     Outside = "qr"     // a page with a QR code of the address (default)
	OutsideLogin  Outside = "login"  // WeChat's QR sign-in where a website's account exists, else the dance anyway
	OutsideScan   Outside = "scan"   // our own: a QR code that a phone in WeChat confirms
	OutsidePass   Outside = "pass"   // let through without an identity
	OutsideRefuse Outside = "refuse" // 401
)

// Facts is all that a decision depends on.
type Facts struct {
	Access     Access
	Standing   Standing
	Navigation bool    // GET or HEAD of a page
	Write      bool    // a method other than GET, HEAD and OPTIONS
	InWeChat   bool    // the client can walk the dance
	Outside    Outside // what to do with clients that cannot
	Adrift     bool    // this browser came back from WeChat again and again without keeping a session
	Excused    bool    // this browser just passed an optional path without an identity, or cannot be signed in
}

// asked returns the facts for somebody who asks to sign in, or whom the app asks
// to: letting them pass without it would send a script round for ever.
func (f Facts) asked() Facts {
	if f.Outside == OutsidePass {
		f.Outside = OutsideQR
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
	case f.Access == Public, f.Standing == Satisfied:
		return Pass
	case f.Standing == Guest:
		return decideGuest(f)
	case f.Access == Optional:
		return decideOptional(f)
	case !f.InWeChat && f.Outside == OutsidePass:
		return Pass
	case !f.Navigation:
		return Refuse
	case !f.InWeChat && f.Outside == OutsideRefuse:
		return Refuse
	case !f.InWeChat && f.Outside == OutsideScan:
		return decideScan(f)
	case !f.InWeChat && f.Outside != OutsideLogin:
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
