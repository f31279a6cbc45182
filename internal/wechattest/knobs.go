package wechattest

import (
	"fmt"
	"slices"
)

var (
	apiOnly         = []string{AtToken, AtRefresh, AtUserInfo, AtAuth, AtSession, AtStableToken, AtClassic, AtPhone, AtFollower, AtFollowers, AtQRCode, AtTicket, AtCheckKey}
	pageOnly        = []string{AtAuthorize, AtQRConnect}
	everywhere      = slices.Concat(pageOnly, apiOnly)
	authorizeOnly   = []string{AtAuthorize}
	userInfoOnly    = []string{AtUserInfo}
	phoneOnly       = []string{AtPhone}
	globalTokenOnly = []string{AtStableToken, AtClassic}
	globalOnly      = []string{AtPhone, AtFollower, AtFollowers, AtQRCode, AtTicket, AtCheckKey}
	pushOnly        = []string{AtPush}
)

// The groups of quirks on the control page.
const (
	inFaults    = "faults"
	inAnswers   = "answers"
	inTokens    = "tokens"
	inCallbacks = "callbacks"
	inSnapshots = "snapshots"
	inPushes    = "pushes"
)

// tabs says on which tab of the control page a group stands.
var tabs = map[string]string{
	inFaults: "api", inAnswers: "api", inTokens: "api", inCallbacks: "signin", inSnapshots: "signin", inPushes: "push",
}

// control is one quirk: its name, its group on the control page, where it can
// fire, and one of knob, number, flag. Its words stand in knobWords.
type control struct {
	name, group string
	at          []string
	knob        func(*Quirks) *Knob
	number      func(*Quirks) *Number
	flag        func(*Quirks) *bool
}

// controls is the table of all quirks but QuotaPerMinute and
// ReplayWithoutCookies, which have a form of their own.
var controls = []control{
	{name: "Hang", group: inFaults, at: everywhere, knob: func(q *Quirks) *Knob { return &q.Hang }},
	{name: "CutConnection", group: inFaults, at: everywhere, knob: func(q *Quirks) *Knob { return &q.CutConnection }},
	{name: "HTTPStatus", group: inFaults, at: everywhere, number: func(q *Quirks) *Number { return &q.HTTPStatus }},
	{name: "HTMLBody", group: inFaults, at: apiOnly, knob: func(q *Quirks) *Knob { return &q.HTMLBody }},
	{name: "Busy", group: inFaults, at: everywhere, knob: func(q *Quirks) *Knob { return &q.Busy }},
	{name: "TooFrequent", group: inFaults, at: everywhere, knob: func(q *Quirks) *Knob { return &q.TooFrequent }},
	{name: "WrongErrcode", group: inFaults, at: everywhere, number: func(q *Quirks) *Number { return &q.WrongErrcode }},
	{name: "TruncatedJSON", group: inFaults, at: apiOnly, knob: func(q *Quirks) *Knob { return &q.TruncatedJSON }},
	{name: "Late", group: inFaults, flag: func(q *Quirks) *bool { return &q.Late }},
	{name: "NumbersAsStrings", group: inAnswers, at: apiOnly, knob: func(q *Quirks) *Knob { return &q.NumbersAsStrings }},
	{name: "CountryCodeAsNumber", group: inAnswers, at: phoneOnly, knob: func(q *Quirks) *Knob { return &q.CountryCodeAsNumber }},
	{name: "NicknameControlBytes", group: inAnswers, at: userInfoOnly, knob: func(q *Quirks) *Knob { return &q.NicknameControlBytes }},
	{name: "OldErrmsg", group: inAnswers, at: apiOnly, knob: func(q *Quirks) *Knob { return &q.OldErrmsg }},
	{name: "DoubleCallbackTwoCodes", group: inCallbacks, at: authorizeOnly, knob: func(q *Quirks) *Knob { return &q.DoubleCallbackTwoCodes }},
	{name: "SameCodeTwice", group: inCallbacks, at: authorizeOnly, knob: func(q *Quirks) *Knob { return &q.SameCodeTwice }},
	{name: "DespiteConnectRedirect", group: inCallbacks, flag: func(q *Quirks) *bool { return &q.DespiteConnectRedirect }},
	{name: "OldRefusal", group: inCallbacks, at: pageOnly, knob: func(q *Quirks) *Knob { return &q.OldRefusal }},
	{name: "ExtraQuery", group: inCallbacks, at: authorizeOnly, knob: func(q *Quirks) *Knob { return &q.ExtraQuery }},
	{name: "SecondState", group: inCallbacks, at: authorizeOnly, knob: func(q *Quirks) *Knob { return &q.SecondState }},
	{name: "Snapshot", group: inSnapshots, flag: func(q *Quirks) *bool { return &q.Snapshot }},
	{name: "SnapshotRealIDs", group: inSnapshots, flag: func(q *Quirks) *bool { return &q.SnapshotRealIDs }},
	{name: "SnapshotSharedUnionID", group: inSnapshots, flag: func(q *Quirks) *bool { return &q.SnapshotSharedUnionID }},
	{name: "SnapshotWithoutFlag", group: inSnapshots, flag: func(q *Quirks) *bool { return &q.SnapshotWithoutFlag }},
	{name: "SnapshotUserInfoRefused", group: inSnapshots, flag: func(q *Quirks) *bool { return &q.SnapshotUserInfoRefused }},
	{name: "IPNotAllowed", group: inTokens, at: globalTokenOnly, knob: func(q *Quirks) *Knob { return &q.IPNotAllowed }},
	{name: "GlobalTokenKilled", group: inTokens, at: globalOnly, knob: func(q *Quirks) *Knob { return &q.GlobalTokenKilled }},
	{name: "GlobalTokenExpired", group: inTokens, at: globalOnly, knob: func(q *Quirks) *Knob { return &q.GlobalTokenExpired }},
	{name: "AnonymousProfile", group: inAnswers, flag: func(q *Quirks) *bool { return &q.AnonymousProfile }},
	{name: "PushTwice", group: inPushes, at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushTwice }},
	{name: "PushBadSignature", group: inPushes, at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushBadSignature }},
	{name: "PushWrongAppID", group: inPushes, at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushWrongAppID }},
	{name: "PushOddJSON", group: inPushes, at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushOddJSON }},
	{name: "PushWithoutOpenID", group: inPushes, at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushWithoutOpenID }},
	{name: "PushLowerCase", group: inPushes, at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushLowerCase }},
	{name: "PushUnknownEvent", group: inPushes, at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushUnknownEvent }},
	{name: "PushOldToken", group: inPushes, at: pushOnly, knob: func(q *Quirks) *Knob { return &q.PushOldToken }},
}

// check refuses what would silently never fire.
func (q Quirks) check() error {
	for _, c := range controls {
		var endpoint string
		var next int
		switch {
		case c.knob != nil:
			endpoint, next = c.knob(&q).Endpoint, c.knob(&q).Next
		case c.number != nil:
			endpoint, next = c.number(&q).Endpoint, c.number(&q).Next
		}
		if next < 0 || endpoint != "" && !slices.Contains(c.at, endpoint) {
			return fmt.Errorf("%w: %s at %q, next %d", ErrBadQuirk, c.name, endpoint, next)
		}
	}
	if q.HTTPStatus.Value != 0 && (q.HTTPStatus.Value < 200 || q.HTTPStatus.Value > 599) {
		return fmt.Errorf("%w: HTTPStatus %d", ErrBadQuirk, q.HTTPStatus.Value)
	}
	if q.QuotaPerMinute < 0 {
		return fmt.Errorf("%w: QuotaPerMinute %d", ErrBadQuirk, q.QuotaPerMinute)
	}
	if r := q.ReplayWithoutCookies; r.Next < 0 || r.Delay < 0 || r.Delay > maxReplayDelay {
		return fmt.Errorf("%w: ReplayWithoutCookies after %s, next %d", ErrBadQuirk, r.Delay, r.Next)
	}
	return nil
}
