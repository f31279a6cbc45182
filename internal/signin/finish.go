package signin

import (
	"context"
	"errors"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Finish is how a sign-in ended, as metrics and traces name it.
type Finish string

// The ends of a sign-in.
const (
	SignedIn          Finish = "signed_in"
	Already           Finish = "already" // the browser has a session that is as good
	Snapshot          Finish = "snapshot"
	Declined          Finish = "declined"
	Refused           Finish = "refused"
	Barred            Finish = "not_allowed" // the person may not enter the site
	CodeRefused       Finish = "code_refused"
	WeChatError       Finish = "wechat_error"
	WeChatUnavailable Finish = "wechat_unavailable"
	StoreUnavailable  Finish = "store_unavailable"
	Busy              Finish = "busy"
	Left              Finish = "left"
	Expired           Finish = "expired"
	CookieMissing     Finish = "cookie_missing"
	Invalid           Finish = "invalid"
	InternalError     Finish = "internal_error"
)

// Finishes returns all ends of a sign-in.
func Finishes() []Finish {
	return []Finish{
		SignedIn, Already, Snapshot, Declined, Refused, Barred, CodeRefused, WeChatError, WeChatUnavailable, StoreUnavailable,
		Busy, Left, Expired, CookieMissing, Invalid, InternalError,
	}
}

// causes are the ends that errors lead to. The first that fits counts.
var causes = []struct {
	is     []error
	finish Finish
}{
	{[]error{ErrTooBusy}, Busy},
	{[]error{ErrClientGone}, Left},
	{[]error{ErrNotAllowed}, Barred},
	{[]error{session.ErrUnavailable, ledger.ErrUnavailable}, StoreUnavailable},
	{[]error{session.ErrNone, ledger.ErrNotFound}, Expired}, // of a ticket or a phone
	{[]error{wechat.ErrRestart, wechat.ErrStartPage}, CodeRefused},
	{[]error{wechat.ErrDeny}, Refused},
	{[]error{wechat.ErrAlert, wechat.ErrRelogin}, WeChatError},
	{[]error{wechat.ErrRetry, wechat.ErrUnavailable, wechat.ErrUncertain}, WeChatUnavailable},
	{[]error{context.Canceled}, Left},
}

// FinishOf returns how a sign-in with this outcome or error ended.
func FinishOf(o Outcome, err error) Finish {
	if err == nil {
		if o.Snapshot {
			return Snapshot
		}
		return SignedIn
	}
	for _, c := range causes {
		for _, cause := range c.is {
			if errors.Is(err, cause) {
				return c.finish
			}
		}
	}
	return InternalError
}
