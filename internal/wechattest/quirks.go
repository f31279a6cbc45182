package wechattest

import (
	"sync"
	"time"
)

// Names of the endpoints, for Knob.Endpoint.
const (
	AtAuthorize   = "authorize"      // /connect/oauth2/authorize
	AtQRConnect   = "qrconnect"      // /connect/qrconnect
	AtToken       = "token"          // /sns/oauth2/access_token
	AtRefresh     = "refresh"        // /sns/oauth2/refresh_token
	AtUserInfo    = "userinfo"       // /sns/userinfo
	AtAuth        = "auth"           // /sns/auth
	AtSession     = "jscode2session" // /sns/jscode2session
	AtStableToken = "stable_token"   // /cgi-bin/stable_token
	AtClassic     = "cgi-bin/token"  // /cgi-bin/token, older than stable_token
	AtPhone       = "phone"          // /wxa/business/getuserphonenumber
	AtFollower    = "user/info"      // /cgi-bin/user/info
	AtFollowers   = "batchget"       // /cgi-bin/user/info/batchget
	AtQRCode      = "qrcode/create"  // /cgi-bin/qrcode/create
	AtCheckKey    = "checksession"   // /wxa/checksession
	AtTicket      = "getticket"      // /cgi-bin/ticket/getticket
	AtPush        = "push"           // messages and events, from WeChat to the account
)

// Knob switches a quirk on.
type Knob struct {
	On bool
	// Endpoint is the only endpoint where the quirk fires; "" means every
	// endpoint where it makes sense. The faults of the API fire at the pages
	// (AtAuthorize, AtQRConnect) only if Endpoint names them.
	Endpoint string
	// Next is how often the quirk fires before it is switched off; 0 is without
	// limit.
	Next int
}

// Number is a Knob with a value; 0 is off.
type Number struct {
	Value    int
	Endpoint string
	Next     int
}

// Replay configures when WeChat's crawler fetches a callback again.
type Replay struct {
	On    bool
	Delay time.Duration // after the visitor was sent to the callback; about 9 s in the field; ≤ 1 h
	Next  int           // as in Knob
}

// Quirks are WeChat's faults in production. The zero value is WeChat without
// faults. Most were seen by developers and are facts of
// docs/wechat-protocol.md.
type Quirks struct {
	// Faults of the API; the first one that fires determines the answer.
	Hang          Knob   // no answer until the client disconnects or Close
	CutConnection Knob   // the call is carried out, the connection is closed without an answer
	HTTPStatus    Number // 500, 502, …; with an HTML body, as WeChat's proxies send it
	HTMLBody      Knob   // 200 with an HTML page
	Busy          Knob   // errcode -1
	TooFrequent   Knob   // errcode 45011; at the authorize page 10009
	WrongErrcode  Number // this errcode
	TruncatedJSON Knob   // the call is carried out, half of its answer arrives

	// Late carries out the call before one of these faults replaces its answer:
	// the code is spent, and the next try gets 40163. Without it, only
	// CutConnection and TruncatedJSON carry out the call.
	Late bool

	QuotaPerMinute int // calls for each account and endpoint before 45011; 0 is no limit

	// How answers are encoded.
	NumbersAsStrings     Knob // "expires_in":"7200"
	CountryCodeAsNumber  Knob // "countryCode":86, as in WeChat's example, not a string (wechat-protocol D2.5)
	NicknameControlBytes Knob // raw 0x07 and 0x14 and broken UTF-8 inside the nickname (wechat-protocol J12)
	OldErrmsg            Knob // ", hints: [ req_id: plAv90053th21 ]" instead of a rid

	// The callback from the authorize page.
	//
	// DoubleCallbackTwoCodes calls back twice at about the same time, with two
	// codes and one state (wechat-protocol J1); SameCodeTwice does so with one
	// code (issue WxJava#388). Both answer with a page that loads one callback
	// in a frame and goes to the other; a Go test sends the second request
	// itself, with IssueCode. They fire for requests without connect_redirect=1
	// (wechat-protocol A1.3), and with it, as other reports say, if
	// DespiteConnectRedirect is set.
	DoubleCallbackTwoCodes Knob
	SameCodeTwice          Knob
	DespiteConnectRedirect bool
	ReplayWithoutCookies   Replay // fetches the callback without cookies, with another User-Agent (wechat-protocol J2)
	OldRefusal             Knob   // a refusal calls back, with state only (wechat-protocol A3)
	ExtraQuery             Knob   // adds from=singlemessage&isappinstalled=0 (wechat-protocol J7)
	SecondState            Knob   // another state comes before the real one: read the last (wechat-protocol A2)

	// 快照页 (wechat-protocol A6).
	Snapshot                bool // every person who has not tapped 使用完整服务 is in one
	SnapshotRealIDs         bool // is_snapshotuser:1 with the real openid and unionid (wechat-protocol A6.5)
	SnapshotSharedUnionID   bool // one virtual unionid for all persons (wechat-protocol A6.4)
	SnapshotWithoutFlag     bool // virtual, and is_snapshotuser is missing (wechat-protocol A6.2)
	SnapshotUserInfoRefused bool // /sns/userinfo answers 48001 (wechat-protocol A6.3)

	// The token for /cgi-bin and /wxa.
	IPNotAllowed       Knob // 40164: the address of the caller is not in the IP allowlist (wechat-protocol E3)
	GlobalTokenKilled  Knob // 40001 until the next token, as if another program had fetched one (wechat-protocol E1)
	GlobalTokenExpired Knob // the same with 42001

	AnonymousProfile bool // encrypted profiles have the name 微信用户 and a grey avatar (wechat-protocol D2.4)

	// Pushes. A quirk without effect on a push is not counted: WrongAppID in a
	// plain push, the next four in a message that is not an account event.
	PushTwice         Knob // delivered twice at the same time
	PushBadSignature  Knob // signature and msg_signature are wrong
	PushWrongAppID    Knob // the envelope is for another app id
	PushOddJSON       Knob // leading spaces in keys, a trailing comma: the official sample (wechat-protocol F6.2)
	PushWithoutOpenID Knob // account events without OpenID (wechat-protocol F6.3)
	PushLowerCase     Knob // openid, appid, unionid, as in older documents
	PushUnknownEvent  Knob // an unknown event
	PushOldToken      Knob // signed and encrypted with the token and key before the last SetPush that changed them
}

// maxReplayDelay bounds Replay.Delay.
const maxReplayDelay = time.Hour

// quirkBox holds the quirks of a Server.
type quirkBox struct {
	mu sync.Mutex
	q  Quirks
}

// Quirks returns a copy of the current quirks: Next counts down.
func (s *Server) Quirks() Quirks { return s.quirks.copy() }

// SetQuirks replaces all quirks. It returns ErrBadQuirk, and changes nothing,
// for a quirk that could never fire or a number out of range.
func (s *Server) SetQuirks(q Quirks) error {
	if err := q.check(); err != nil {
		return err
	}
	s.quirks.mu.Lock()
	defer s.quirks.mu.Unlock()
	s.quirks.q = q
	return nil
}

// change applies f to the quirks, if the result is valid.
func (b *quirkBox) change(f func(*Quirks)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.q
	f(&q)
	if err := q.check(); err != nil {
		return err
	}
	b.q = q
	return nil
}

func (b *quirkBox) copy() Quirks {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.q
}

// fires reports whether a quirk fires at an endpoint, and counts it.
func (b *quirkBox) fires(at string, knob func(*Quirks) *Knob) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return knob(&b.q).fires(at)
}

func (k *Knob) fires(at string) bool {
	if !k.On || k.Endpoint != "" && k.Endpoint != at {
		return false
	}
	k.On = countDown(&k.Next)
	return true
}

// fires returns the value if the quirk fires, else 0.
func (n *Number) fires(at string) int {
	value := n.Value
	if value == 0 || n.Endpoint != "" && n.Endpoint != at {
		return 0
	}
	if !countDown(&n.Next) {
		n.Value = 0
	}
	return value
}

// fires returns the delay if a replay is due.
func (r *Replay) fires() (time.Duration, bool) {
	if !r.On {
		return 0, false
	}
	r.On = countDown(&r.Next)
	return r.Delay, true
}

// countDown reports whether a quirk stays on after it has fired.
func countDown(next *int) bool {
	if *next == 0 {
		return true
	}
	*next--
	return *next > 0
}
