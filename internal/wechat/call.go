package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
)

// maxBody bounds an answer, in bytes. Real answers have one or two thousand.
const maxBody = 64 << 10

// endpoint is one call of WeChat's API.
type endpoint struct {
	op      string         // as in Error.Op
	path    string         // begins with a slash
	single  bool           // a request must not reach WeChat twice
	patient bool           // the call is repeated when WeChat says that it is busy
	kinds   map[int]Remedy // codes with another meaning in this call
}

// fail returns an Error with a text of this package.
func (ep endpoint) fail(kind Remedy, text string) *Error {
	return &Error{Op: ep.op, Remedy: kind, Err: &cause{text: text}}
}

// kind returns what to do about an error code of this call.
func (ep endpoint) kind(code int) Remedy {
	if kind, ok := ep.kinds[code]; ok {
		return kind
	}
	return RemedyOf(code)
}

// call sends a GET and returns a successful answer. secrets must not appear in
// an error.
func (c *Client) call(ctx context.Context, ep endpoint, params []param, secrets ...Secret) (reply, error) {
	req, err := c.request(ep, params)
	if err != nil {
		return nil, err
	}
	return c.ask(ctx, ep, req, nil, secrets)
}

// post is call with a POST whose body is message as JSON.
func (c *Client) post(ctx context.Context, ep endpoint, params []param, message any, secrets ...Secret) (reply, error) {
	req, err := c.request(ep, params)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // & stays &, so that an echo of a secret is recognised
	if encoder.Encode(message) != nil {
		return nil, ep.fail(RemedyAlert, "the request cannot be encoded as JSON")
	}
	req.Method, req.ContentLength = http.MethodPost, int64(body.Len())
	req.Header.Set("Content-Type", "application/json")
	return c.ask(ctx, ep, req, body.Bytes(), secrets)
}

// ask sends the request of a call, with body unless it is nil. It repeats a
// patient call while WeChat is busy.
func (c *Client) ask(ctx context.Context, ep endpoint, req *http.Request, body []byte, secrets []Secret) (r reply, err error) {
	defer func() { c.ended(ep.op, err) }()
	send := func() (reply, error) {
		if body != nil {
			req.Body = io.NopCloser(bytes.NewReader(body))
		}
		return c.send(ctx, ep, req, secrets)
	}
	if !ep.patient {
		return send()
	}
	return retryBusy(ctx, send)
}

// send sends a request and reads the answer, with limits for both.
func (c *Client) send(ctx context.Context, ep endpoint, req *http.Request, secrets []Secret) (r reply, err error) {
	ctx, observed := c.observe(ctx, ep)
	defer func() { observed(err) }()
	ctx, cancel := context.WithTimeout(ctx, orDefault(c.Timeout, defaultTimeout))
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	// Do not use http.Client: it follows redirects, to which it would send
	// secret and code, and its errors quote the address.
	res, err := c.transport(ep.single).RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, ep.broken(ctx, err, connected.Load(), secrets)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, ep.refused(res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, ep.broken(ctx, err, true, secrets)
	case len(body) > maxBody:
		return nil, ep.fail(RemedyUncertain, "the answer is larger than 64 KiB")
	}
	return ep.read(body, secrets)
}

// request returns the GET request of a call.
func (c *Client) request(ep endpoint, params []param) (*http.Request, error) {
	u, err := url.Parse(base(c.APIURL, defaultAPIURL) + ep.path)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, ep.fail(RemedyAlert, "the address of WeChat's API is not a plain http or https URL")
	}
	u.RawQuery = encodeParams(params)
	return &http.Request{
		Method: http.MethodGet,
		URL:    u,
		Header: http.Header{
			"Accept":        {"application/json"},
			"Cache-Control": {"no-store"}, // for proxies: answers contain tokens
			"User-Agent":    {"wechat-gateway"},
		},
	}, nil
}

// broken returns the error for a call that failed in the network. Before there
// was a connection, WeChat cannot have seen secret or code, and the error
// cannot quote them; after that, the error contains only text of this package.
func (ep endpoint) broken(ctx context.Context, err error, connected bool, secrets []Secret) *Error {
	why := &cause{text: "no complete HTTP answer", is: ctx.Err()}
	var timeout net.Error
	if why.is == nil && errors.As(err, &timeout) && timeout.Timeout() {
		why.is = context.DeadlineExceeded
	}
	kind := RemedyUncertain
	if !connected {
		kind = RemedyUnavailable
		text, _ := cleanMessage(err.Error(), secrets)
		why.text = "no connection: " + text
	}
	switch ctx.Err() {
	case context.Canceled:
		why.text = "the caller went away"
	case context.DeadlineExceeded:
		why.text = "no answer in time"
	}
	return &Error{Op: ep.op, Remedy: kind, Err: why}
}

// refused returns the error for an HTTP status other than 200. WeChat sends its
// errors with status 200 too, so another status comes from a proxy or from a
// broken server.
func (ep endpoint) refused(status int) *Error {
	e := ep.fail(RemedyUncertain, "not an answer of WeChat's API")
	if status >= 500 {
		e = ep.fail(RemedyUnavailable, "WeChat's server has an error")
	}
	e.HTTPStatus = status
	return e
}

// read returns a successful answer, or the error in the answer.
func (ep endpoint) read(body []byte, secrets []Secret) (reply, error) {
	r, err := parseReply(body)
	if err != nil {
		return nil, ep.malformed(err)
	}
	code, err := r.errcode()
	if err != nil {
		return nil, ep.malformed(err)
	}
	if code == 0 {
		return r, nil
	}
	for _, name := range []string{"access_token", "refresh_token", "session_key", "ticket"} {
		token, _ := r.text(name) // an error answer may still contain tokens
		secrets = append(secrets, NewSecret(token))
	}
	errmsg, _ := r.text("errmsg")
	message, rid := cleanMessage(errmsg, secrets)
	return nil, &Error{
		Op: ep.op, Code: code, RID: rid, Message: message,
		HTTPStatus: http.StatusOK, Remedy: ep.kind(code),
		Address: refusedAddress(code, message),
	}
}

// malformed returns the error for an answer that cannot be understood.
func (ep endpoint) malformed(err error) *Error {
	return &Error{Op: ep.op, HTTPStatus: http.StatusOK, Remedy: RemedyUncertain, Err: err}
}
