package wechat

import (
	"strconv"
	"strings"
)

// Error is the one error type of all calls. It is meant for logs and holds no
// secret, code or token, nor an address with one in it, however it is printed;
// a visitor is told something else. errors.Is finds the sentinel of its Remedy,
// and context.Canceled or context.DeadlineExceeded where they were the cause.
type Error struct {
	// Op is the call: "exchange", "refresh", "userinfo" or "auth" of web
	// authorisation; "login" or "phone" of a mini program; "token", "ticket"
	// or "follower" of the account itself.
	Op string
	// Code is WeChat's errcode, 0 if there was none.
	Code int
	// RID is the request id WeChat's support asks for, or "".
	RID string
	// Message is WeChat's errmsg without the request id at its end, at most
	// 256 runes, control characters and our own secrets removed. It changes
	// without notice: never compare it.
	Message string
	// HTTPStatus is the status of the answer, 0 if there was none.
	HTTPStatus int
	// Address is our own address as WeChat saw it and refused it (40164 and
	// its like): the one to add to the account's IP allowlist (IP白名单). It
	// is "" otherwise.
	Address string
	// Remedy is what to do about it.
	Remedy Remedy
	// Err is the cause, when it was not WeChat's answer.
	Err error
}

// Error says what happened, for the log.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("wechat: ")
	b.WriteString(e.Op)
	if e.Code != 0 {
		b.WriteString(": errcode " + strconv.Itoa(e.Code))
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Address != "" {
		b.WriteString(": add " + e.Address + " to the account's IP allowlist")
	}
	if e.RID != "" {
		b.WriteString(" (rid " + e.RID + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.HTTPStatus != 0 && e.HTTPStatus != 200 {
		b.WriteString(" (HTTP status " + strconv.Itoa(e.HTTPStatus) + ")")
	}
	if e.Remedy != "" {
		b.WriteString(" [" + string(e.Remedy) + "]")
	}
	return b.String()
}

// Answered reports whether WeChat itself answered with an error, rather than that
// there was no answer, or that a call was not worth sending.
func (e *Error) Answered() bool { return e.Code != 0 }

// Unwrap returns the sentinel of e's Remedy and the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	if sentinel := e.Remedy.sentinel(); sentinel != nil {
		errs = append(errs, sentinel)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// cause is the reason for an Error in words of our own. It never wraps what
// net/http returned: a *url.Error holds the whole address with secret and code,
// a parse error holds pieces of the answer.
type cause struct {
	text string
	is   error // context.Canceled, context.DeadlineExceeded or nil
}

func (c *cause) Error() string { return c.text }
func (c *cause) Unwrap() error { return c.is }
