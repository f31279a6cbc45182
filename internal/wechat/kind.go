package wechat

import (
	"errors"
	"fmt"
)

// Kind is what to do about an error: one word for each action of WeChat's error
// codes, and two for the times when WeChat gave no answer that counts.
type Kind string

// The kinds. Each has a sentinel of the same name for errors.Is.
const (
	KindRetry       Kind = "retry"       // WeChat is busy and has done nothing: ask again within seconds
	KindThrottled   Kind = "throttled"   // too many calls this minute: ask in the next one; the code may still be good
	KindRestart     Kind = "restart"     // code or token is of no use any more: begin a new dance, twice at most
	KindReuse       Kind = "reuse"       // the code has been used: answer as the first time; if there is none, restart
	KindRefresh     Kind = "refresh"     // the access token is of no use: refresh once; if that cannot be done, restart
	KindAlert       Kind = "alert"       // configuration, a bug or a code nobody knows: stop and tell the operator
	KindRenew       Kind = "renew"       // the account's own token is of no use: fetch a new one once; if that fails, alert
	KindStop        Kind = "stop"        // the quota is exhausted: alert, and do not call again today
	KindBackoff     Kind = "backoff"     // an administrator must confirm or has refused: alert, and wait 1 to 24 hours
	KindDeny        Kind = "deny"        // WeChat does not want this visitor: say so, do not repeat
	KindForeignCode Kind = "foreign"     // the code was made for another visitor: say so, do not repeat
	KindStartPage   Kind = "start"       // there was no code: show a page to start from
	KindRelogin     Kind = "relogin"     // a mini program must call wx.login again
	KindUnavailable Kind = "unavailable" // nothing was sent, or WeChat answered 5xx: a repetition is safe, expect 40163 after 5xx
	KindUncertain   Kind = "uncertain"   // sent, but no answer that makes sense: a code may be spent or not, do not repeat, restart
)

// One sentinel for each Kind. Some outcomes are a narrower case of another and
// wrap it: ErrThrottled is also ErrRetry; ErrReuse and ErrRefresh are also
// ErrRestart; ErrRenew, ErrStop, ErrBackoff and ErrForeignCode are also ErrAlert. A
// caller that tells them apart asks for the narrower first; one that does not treats
// them as the wider, which is safe.
var (
	ErrRetry       = errors.New("WeChat is busy")
	ErrThrottled   = fmt.Errorf("too many calls this minute: %w", ErrRetry)
	ErrRestart     = errors.New("the visitor must be authorised again")
	ErrReuse       = fmt.Errorf("the code has been used: %w", ErrRestart)
	ErrRefresh     = fmt.Errorf("the access token is not valid any more: %w", ErrRestart)
	ErrAlert       = errors.New("the operator must act")
	ErrRenew       = fmt.Errorf("the account's token is not valid any more: %w", ErrAlert)
	ErrStop        = fmt.Errorf("the quota is exhausted: %w", ErrAlert)
	ErrBackoff     = fmt.Errorf("an administrator must confirm: %w", ErrAlert)
	ErrForeignCode = fmt.Errorf("the code was made for another visitor: %w", ErrAlert)
	ErrDeny        = errors.New("WeChat refuses this visitor")
	ErrStartPage   = errors.New("there is no code")
	ErrRelogin     = errors.New("the mini program must sign in again")
	ErrUnavailable = errors.New("WeChat cannot be reached")
	ErrUncertain   = errors.New("WeChat gave no answer that makes sense")
)

// sentinel returns the error that stands for k, nil for a Kind that is none.
func (k Kind) sentinel() error {
	switch k {
	case KindRetry:
		return ErrRetry
	case KindThrottled:
		return ErrThrottled
	case KindRestart:
		return ErrRestart
	case KindReuse:
		return ErrReuse
	case KindRefresh:
		return ErrRefresh
	case KindAlert:
		return ErrAlert
	case KindRenew:
		return ErrRenew
	case KindStop:
		return ErrStop
	case KindBackoff:
		return ErrBackoff
	case KindDeny:
		return ErrDeny
	case KindForeignCode:
		return ErrForeignCode
	case KindStartPage:
		return ErrStartPage
	case KindRelogin:
		return ErrRelogin
	case KindUnavailable:
		return ErrUnavailable
	case KindUncertain:
		return ErrUncertain
	}
	return nil
}
