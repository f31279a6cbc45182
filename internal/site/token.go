package site

import (
	"iter"
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Clients without cookies, mini programs and apps, hold a token:
//
//	Authorization: Bearer wxt_<account>.<value of the store>
//
// The account's name says only where to look first: the value is authenticated for
// the site and the app id. A Bearer of another form is the app's own affair. A
// token is never taken from an address, which logs and caches keep.
const (
	bearerScheme = "Bearer"
	tokenPrefix  = "wxt_"
	maxToken     = len(tokenPrefix) + maxAccountName + 1 + session.MaxValue

	// maxAccountName bounds the name of an account, in bytes.
	maxAccountName = 32
)

// Bearer is the token of a request.
type Bearer struct {
	Sent    bool   // there was one; a bad one has no value
	Account string // only a hint
	Value   string
}

// takeToken reads the token of r and takes it out: it is of no use to the app,
// whose logs might keep it. Two tokens are none: nobody can tell which one another
// server in the chain has looked at.
func takeToken(r *http.Request) Bearer {
	var found []string
	for token := range ourTokens(r) {
		found = append(found, token)
	}
	switch len(found) {
	case 0:
		return Bearer{}
	case 1:
		StripToken(r)
		return parseToken(found[0])
	default:
		StripToken(r)
		return Bearer{Sent: true}
	}
}

// StripToken takes our tokens, good or bad, out of r, and with one of them all that
// is in Authorization: the app must not find another person's credentials beside
// the identity (attack: a second Authorization line). [Site.Prepare] does so with
// every request.
func StripToken(r *http.Request) {
	for range ourTokens(r) {
		delete(r.Header, "Authorization")
		return
	}
}

// ourTokens are the tokens of ours that r has, good or bad. A server in the chain
// may have joined several lines into one (RFC 9110, 5.3).
func ourTokens(r *http.Request) iter.Seq[string] {
	return func(yield func(token string) bool) {
		for _, line := range r.Header["Authorization"] {
			for part := range strings.SplitSeq(line, ",") {
				if token, ours := ourBearer(part); ours && !yield(token) {
					return
				}
			}
		}
	}
}

// ourBearer returns the token in a part of Authorization, if it is one of ours.
// Schemes have no case (RFC 9110).
func ourBearer(line string) (string, bool) {
	line = strings.Trim(line, " \t")
	end := strings.IndexAny(line, " \t")
	if end < 0 || !strings.EqualFold(line[:end], bearerScheme) {
		return "", false
	}
	token := strings.TrimLeft(line[end:], " \t")
	return token, strings.HasPrefix(token, tokenPrefix)
}

// parseToken takes a token apart.
func parseToken(token string) Bearer {
	account, value, ok := strings.Cut(strings.TrimPrefix(token, tokenPrefix), ".")
	if !ok || len(token) > maxToken || account == "" || len(account) > maxAccountName || value == "" || len(value) > session.MaxValue {
		return Bearer{Sent: true}
	}
	return Bearer{Sent: true, Account: account, Value: value}
}

// FormatToken is the token of a store's value.
func FormatToken(a wechat.Account, value string) string { return tokenPrefix + a.Name + "." + value }

// IdentifyToken is Identify for a request with a token.
func (site *Site) IdentifyToken(r *Request) error {
	if r.Token.Value == "" || r.Identity != nil {
		return nil
	}
	id, err := site.lookup(r, r.Token.Value)
	if err == nil {
		r.Identity, r.SessionValue = id, r.Token.Value
	} else if IsNobody(err) {
		return nil // only a clear no is a no
	}
	return err
}

// RefuseToken answers a request whose token is good for nothing. It is never a
// redirect nor a page: nobody would see it.
func (site *Site) RefuseToken(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`) // RFC 6750
	response.WriteError(w, http.StatusUnauthorized, "token_invalid", "This token is not, or no longer, good for this site. Sign in again.")
}
