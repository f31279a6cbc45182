package wechat

import (
	"log/slog"
	"strconv"
	"strings"

	"github.com/caddy-wechat/gateway/internal/advice"
)

// Error is the error type of all calls. It is meant for logs and not for
// visitors. However it is printed, it contains no secret, code or token, nor an
// address with one. errors.Is finds the sentinel of its Remedy, and
// context.Canceled or context.DeadlineExceeded if they were the cause.
type Error struct {
	// Op is the call: "exchange", "refresh", "userinfo" or "auth" of web
	// authorisation; "login" or "phone" of a mini program; "token", "ticket",
	// "follower" or "qrcode" of the account.
	Op string
	// Code is WeChat's errcode, 0 if there was none.
	Code int
	// RID is the request id that WeChat's support asks for, or "".
	RID string
	// Message is WeChat's errmsg without the request id, control characters and
	// secrets, at most 256 runes. WeChat changes it without notice: never
	// compare it.
	Message string
	// HTTPStatus is the status of the answer, 0 if there was none.
	HTTPStatus int
	// Address is the gateway's address that WeChat refused (40164 and similar
	// codes): add it to the account's IP allowlist (IP白名单). Otherwise "".
	Address string
	// Remedy is what to do about it.
	Remedy Remedy
	// Err is the cause if there was no answer of WeChat.
	Err error
}

// Error returns the text for the log.
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

// LogAttrs returns what a log line says of e beside its text: errcode, rid, kind
// (the Remedy), and where they are known allow_address and fix, what to do about
// the errcode. They contain no secret and no text of a visitor.
func (e *Error) LogAttrs() []slog.Attr {
	attrs := []slog.Attr{slog.Int("errcode", e.Code), slog.String("rid", e.RID), slog.String("kind", string(e.Remedy))}
	if e.Address != "" {
		attrs = append(attrs, slog.String("allow_address", e.Address))
	}
	if fix := advice.FixOfCode(e.Code); fix != "" {
		attrs = append(attrs, slog.String("fix", fix))
	}
	return attrs
}

// Answered reports whether WeChat answered with an error. It is false if there
// was no answer or the call was not sent.
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

// cause is the reason for an Error in words of this package. It never wraps an
// error of net/http: a *url.Error contains the whole address with secret and
// code, and a parse error contains pieces of the answer.
type cause struct {
	text string
	is   error // context.Canceled, context.DeadlineExceeded or nil
}

func (c *cause) Error() string { return c.text }
func (c *cause) Unwrap() error { return c.is }
