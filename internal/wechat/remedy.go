package wechat

import (
	"errors"
	"fmt"
)

// Remedy is what to do about an error: one word for each kind of WeChat's error
// codes, and two for calls without a valid answer of WeChat.
type Remedy string

// The remedies. Each has a sentinel of the same name for errors.Is.
const (
	RemedyRetry       Remedy = "retry"       // WeChat is busy and has done nothing: call again within seconds
	RemedyThrottled   Remedy = "throttled"   // too many calls this minute: call again in the next one; the code may still be valid
	RemedyRestart     Remedy = "restart"     // code or token is no longer valid: begin a new dance, at most twice
	RemedyReuse       Remedy = "reuse"       // the code has been used: restart; a repeated hit got the first answer before WeChat was called (internal/signin)
	RemedyRefresh     Remedy = "refresh"     // the access token is invalid: refresh once; if that fails, restart
	RemedyAlert       Remedy = "alert"       // configuration, a bug or an unknown code: stop and tell the operator
	RemedyRenew       Remedy = "renew"       // the account's global token is invalid: fetch a new one once; if that fails, alert
	RemedyStop        Remedy = "stop"        // the quota is exhausted: alert, and do not call again today
	RemedyBackoff     Remedy = "backoff"     // an administrator must confirm or has refused: alert, and wait 1 to 24 hours
	RemedyDeny        Remedy = "deny"        // WeChat refuses this visitor: show it, do not repeat
	RemedyForeignCode Remedy = "foreign"     // the code was made for another visitor: show it, do not repeat
	RemedyStartPage   Remedy = "start"       // there was no code: show a page to start from
	RemedyRelogin     Remedy = "relogin"     // a mini program must call wx.login again
	RemedyUnavailable Remedy = "unavailable" // the call was not sent, or WeChat answered 5xx: a repetition is safe, expect 40163 after 5xx
	RemedyUncertain   Remedy = "uncertain"   // sent, but without a valid answer: the code may be spent, do not repeat, restart
)

// One sentinel for each Remedy. Some outcomes are a narrower case of another
// and wrap it: ErrThrottled is also ErrRetry; ErrReuse and ErrRefresh are also
// ErrRestart; ErrRenew, ErrStop, ErrBackoff and ErrForeignCode are also
// ErrAlert. A caller that distinguishes them checks for the narrower one first;
// to treat them as the wider one is safe.
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
	ErrUncertain   = errors.New("WeChat gave no valid answer")
)

// sentinel returns the sentinel of k, nil for an unknown Remedy.
func (k Remedy) sentinel() error {
	switch k {
	case RemedyRetry:
		return ErrRetry
	case RemedyThrottled:
		return ErrThrottled
	case RemedyRestart:
		return ErrRestart
	case RemedyReuse:
		return ErrReuse
	case RemedyRefresh:
		return ErrRefresh
	case RemedyAlert:
		return ErrAlert
	case RemedyRenew:
		return ErrRenew
	case RemedyStop:
		return ErrStop
	case RemedyBackoff:
		return ErrBackoff
	case RemedyDeny:
		return ErrDeny
	case RemedyForeignCode:
		return ErrForeignCode
	case RemedyStartPage:
		return ErrStartPage
	case RemedyRelogin:
		return ErrRelogin
	case RemedyUnavailable:
		return ErrUnavailable
	case RemedyUncertain:
		return ErrUncertain
	}
	return nil
}
