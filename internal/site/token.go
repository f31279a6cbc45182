package site

import (
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Clients without cookies (mini programs and apps) send a token:
//
//	Authorization: Bearer wxt_<account>.<value of the store>
//
// The account's name only says which account to try first: the value is
// authenticated for the site and the app id. A Bearer of another form belongs
// to the app. A token is never read from an address, because logs and caches
// store addresses.
const (
	bearerScheme = "Bearer"
	tokenPrefix  = "wxt_"
	maxToken     = len(tokenPrefix) + maxAccountName + 1 + session.MaxValue

	// maxAccountName bounds the name of an account, in bytes.
	maxAccountName = 32
)

// Bearer is the token of a request.
type Bearer struct {
	Sent    bool   // the request has a token; a malformed one has no Value
	Account string // only a hint
	Value   string
}

// takeToken reads the token of r and removes it: the app does not need it, and
// might log it. Two tokens count as a malformed one: another server in the
// chain may have read either.
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

// StripToken removes Authorization from r if it contains a token of ours, valid
// or not: the app must not find another person's credentials beside the
// identity (attack: a second Authorization line). [Site.Prepare] does so with
// every request.
func StripToken(r *http.Request) {
	for range ourTokens(r) {
		delete(r.Header, "Authorization")
		return
	}
}

// ourTokens returns all tokens of ours in r, valid or not. A server in the
// chain may have joined several lines into one (RFC 9110, 5.3).
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
// Schemes are case-insensitive (RFC 9110).
func ourBearer(line string) (string, bool) {
	line = strings.Trim(line, " \t")
	end := strings.IndexAny(line, " \t")
	if end < 0 || !strings.EqualFold(line[:end], bearerScheme) {
		return "", false
	}
	token := strings.TrimLeft(line[end:], " \t")
	return token, strings.HasPrefix(token, tokenPrefix)
}

// parseToken splits a token into account and value.
func parseToken(token string) Bearer {
	account, value, ok := strings.Cut(strings.TrimPrefix(token, tokenPrefix), ".")
	if !ok || len(token) > maxToken || account == "" || len(account) > maxAccountName || value == "" || len(value) > session.MaxValue {
		return Bearer{Sent: true}
	}
	return Bearer{Sent: true, Account: account, Value: value}
}

// FormatToken returns the token for a value of the store.
func FormatToken(a wechat.Account, value string) string { return tokenPrefix + a.Name + "." + value }

// IdentifyToken is Identify for a request with a token.
func (site *Site) IdentifyToken(r *Request) error {
	if r.Token.Value == "" || r.Identity != nil || r.Refused != nil {
		return nil
	}
	now := time.Now()
	r.identified = now.UnixNano()
	id, err := site.identityOf(r, r.Token.Value, now)
	if err == nil {
		r.SessionValue = r.Token.Value
		return site.admit(r, id)
	} else if NoSession(err) {
		return nil // there is certainly no session
	}
	return err
}

// RefuseToken answers a request whose token is invalid. The answer is never a
// redirect or a page: the client would not show it.
func (site *Site) RefuseToken(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`) // RFC 6750
	response.WriteError(w, http.StatusUnauthorized, "token_invalid", "This token is invalid or has expired on this site. Sign in again.")
}
