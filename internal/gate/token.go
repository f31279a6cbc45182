package gate

import (
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
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

// bearer is the token of a request.
type bearer struct {
	sent    bool   // there was one; a bad one has no value
	account string // only a hint
	value   string
}

// takeToken reads the token of r and takes it out: it is of no use to the app,
// whose logs might keep it. Two tokens are none: nobody can tell which one another
// server in the chain has looked at.
func takeToken(r *http.Request) bearer {
	var found []string
	for token := range ourTokens(r) {
		found = append(found, token)
	}
	switch len(found) {
	case 0:
		return bearer{}
	case 1:
		StripToken(r)
		return parseToken(found[0])
	default:
		StripToken(r)
		return bearer{sent: true}
	}
}

// StripToken takes our tokens, good or bad, out of r, and with one of them all that
// is in Authorization: the app must not find another person's credentials beside
// the identity (attack: a second Authorization line). The gate does so with every
// request that it is asked about.
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
func parseToken(token string) bearer {
	account, value, ok := strings.Cut(strings.TrimPrefix(token, tokenPrefix), ".")
	if !ok || len(token) > maxToken || account == "" || len(account) > maxAccountName || value == "" || len(value) > session.MaxValue {
		return bearer{sent: true}
	}
	return bearer{sent: true, account: account, value: value}
}

// formatToken is the token of a store's value.
func formatToken(a wechat.Account, value string) string { return tokenPrefix + a.Name + "." + value }

// identifyToken is identify for a request with a token.
func (g *Gate) identifyToken(r *Request) error {
	if r.token.value == "" || r.id != nil {
		return nil
	}
	id, err := g.lookup(r, r.token.value)
	if err == nil {
		r.id, r.cookie = id, r.token.value
	} else if isNobody(err) {
		return nil // only a clear no is a no
	}
	return err
}

// refuseToken answers a request whose token is good for nothing. It is never a
// redirect nor a page: nobody would see it.
func (g *Gate) refuseToken(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`) // RFC 6750
	response.WriteError(w, http.StatusUnauthorized, "token_invalid", "This token is not, or no longer, good for this site. Sign in again.")
}

// tokenSession is GET session for a client with a token. A token that is due is
// renewed here and nowhere else: the client takes the new one from the answer. The
// old one lives for as long as it would have.
func (g *Gate) tokenSession(w http.ResponseWriter, r *Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		response.MethodNotAllowed(w, http.MethodGet, http.MethodHead)
		return
	}
	if !g.signedIn(w, r) {
		return
	}
	body, s := tokenJSON{Code: http.StatusOK}, r.id.session
	if fresh := g.renewToken(r); fresh != nil {
		s = fresh.session
		if fresh.value != r.token.value {
			body.Token = formatToken(g.accountOf(s.AppID), fresh.value)
		}
	}
	body.ExpiresIn = secondsUntil(g.Hub.Policy.Expires(&s))
	user := newUserJSON(r.id)
	body.User = &user
	response.WriteJSON(w, http.StatusOK, body)
}

// tokenJSON is what a client with a token is told of its session.
type tokenJSON struct {
	Code      int       `json:"code"`
	Token     string    `json:"token,omitempty"`
	ExpiresIn int       `json:"expires_in,omitempty"` // seconds
	User      *userJSON `json:"user,omitempty"`
}

func secondsUntil(t time.Time) int { return max(0, int(time.Until(t)/time.Second)) }

// renewToken renews the session if it is due, nil if it stays as it is.
func (g *Gate) renewToken(r *Request) *renewed {
	if r.Method == http.MethodHead {
		return nil
	}
	s := r.id.session
	s.Audience = session.Token // one made before audiences were kept is bound now
	return g.renewSession(r, s, "token not renewed")
}

// tokenLogout is POST logout for a client with a token. A token that is over
// already is no error. No other site can send it: it would have to know the token.
func (g *Gate) tokenLogout(w http.ResponseWriter, r *Request) {
	if r.Method != http.MethodPost {
		response.MethodNotAllowed(w, http.MethodPost)
		return
	}
	err := g.identifyToken(r)
	switch {
	case err != nil:
	case r.id != nil:
		err = g.logOut(w, r, audit.ReasonVisitor)
	default:
		err = g.finishEnd(r)
	}
	if err != nil {
		g.unavailableJSON(w, r, g.Account, retryStore, err)
		return
	}
	response.WriteJSON(w, http.StatusOK, tokenJSON{Code: http.StatusOK})
}

// signedIn reports whether the request has a good token; if not, it has answered.
func (g *Gate) signedIn(w http.ResponseWriter, r *Request) bool {
	if err := g.identifyToken(r); err != nil {
		g.unavailableJSON(w, r, g.Account, retryStore, err)
		return false
	}
	if r.id == nil {
		g.refuseToken(w)
		return false
	}
	return true
}
