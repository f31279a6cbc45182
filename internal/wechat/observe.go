package wechat

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// Request is one request to WeChat's API, for [Client.Observe]. It contains
// nothing of a visitor.
type Request struct {
	// AppID is the app id of the account that asks, "" if it is not known.
	AppID string
	// Endpoint is one of [Endpoints].
	Endpoint string
}

// appIDKey is the context key of the app id.
type appIDKey struct{}

// WithAppID says for which account the calls with this context are. Calls whose
// arguments contain the app id need it not.
func WithAppID(ctx context.Context, appID string) context.Context {
	if ctx.Value(appIDKey{}) == any(appID) {
		return ctx
	}
	return context.WithValue(ctx, appIDKey{}, appID)
}

// observe tells Observe of a request, and returns what is called with its
// error.
func (c *Client) observe(ctx context.Context, ep endpoint) (context.Context, func(error)) {
	if c.Observe == nil {
		return ctx, func(error) {}
	}
	appID, _ := ctx.Value(appIDKey{}).(string)
	ctx, done := c.Observe(ctx, Request{AppID: appID, Endpoint: ep.op})
	return ctx, func(err error) { done(resultOf(err)) }
}

// Endpoints returns the names of the calls that are made for accounts of this
// kind, as in Error.Op.
func (k AccountKind) Endpoints() []string { return k.traits().endpoints }

// The results of a request that is not an error code of WeChat.
const (
	resultOther       = "other" // an error code that is not in the table
	resultUnreachable = "unreachable"
	resultTimeout     = "timeout"
	resultHTTP        = "http_error"
	resultInvalid     = "invalid"
	resultCanceled    = "canceled"
)

// Results returns all results that [Client.Observe] gets.
func Results() []string {
	all := []string{"0"}
	for _, code := range slices.Sorted(maps.Keys(errcodes)) {
		all = append(all, strconv.Itoa(code))
	}
	return append(all, resultOther, resultUnreachable, resultTimeout, resultHTTP, resultInvalid, resultCanceled)
}

// resultOf returns the result of a request with this error. It is always one of
// Results: WeChat's answer cannot make another one (attack: a server that
// answers in WeChat's place makes metrics without end).
func resultOf(err error) string {
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return "0"
	case ok && e.Code != 0:
		if _, known := errcodes[e.Code]; known {
			return strconv.Itoa(e.Code)
		}
		return resultOther
	case errors.Is(err, context.Canceled):
		return resultCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return resultTimeout
	case ok && e.HTTPStatus != 0 && e.HTTPStatus != http.StatusOK:
		return resultHTTP
	case ok && e.Remedy == RemedyUnavailable:
		return resultUnreachable
	default:
		return resultInvalid
	}
}
