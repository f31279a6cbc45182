package site

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/follow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// The times that a visitor is asked to wait.
const (
	RetryStore  = 5 * time.Second
	retryWeChat = 10 * time.Second
	retryStop   = 10 * time.Minute // the quota of a day; each visitor who comes back calls WeChat once more
)

// RetryAfter returns how long to wait after err. It spreads visitors who hit
// one of WeChat's quotas.
func RetryAfter(err error) time.Duration {
	var e *wechat.Error
	switch {
	case errors.Is(err, wechat.ErrThrottled):
		return time.Minute + time.Duration(rand.N(20))*time.Second //nolint:gosec // spreads load; not a secret
	case errors.Is(err, wechat.ErrStop):
		return retryStop + time.Duration(rand.N(60))*time.Second //nolint:gosec // spreads load; not a secret
	case errors.As(err, &e):
		return retryWeChat
	default:
		return RetryStore
	}
}

// Unavailable answers 503: WeChat or a store does not answer now. The page of a
// visitor who was signing in restarts flow f by itself, or by its button if a
// form was posted; the zero Flow reloads the requested page.
func (site *Site) Unavailable(w http.ResponseWriter, r *Request, after time.Duration, f flow.Flow, err error) {
	if errors.Is(err, follow.ErrUnknown) {
		after = RetryAfter(err)
	}
	site.LogUnavailable(r, site.namedAccount(f), f.Name(), err)
	w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
	p := page.Page{Kind: page.Unavailable, RetryAfter: after, Reference: cmp.Or(f.Name(), r.Flow)}
	if f.Target == "" && IsRead(r.Method) {
		f.Target, f.Scope = request.CleanTarget(r.Original.RequestURI()), wechat.ScopeBase
	}
	if f.Target != "" {
		p.ContinueURL = LoginPath(f.Target, f.Scope)
	}
	site.Show(w, r, p, "unavailable", "Sign-in does not work at the moment. Please try again in a moment.")
}

// UnavailableJSON answers 503 to a client without pages.
func (site *Site) UnavailableJSON(w http.ResponseWriter, r *Request, a wechat.Account, after time.Duration, err error) {
	if errors.Is(err, follow.ErrUnknown) {
		after = RetryAfter(err)
	}
	site.LogUnavailable(r, a, "", err)
	response.RetryIn(w, after)
	response.WriteError(w, http.StatusServiceUnavailable, "unavailable", "The service is unavailable. Try again in a moment; if the code is then refused, use a new one.")
}

// Show answers with a page if the client wants one, otherwise with JSON.
func (site *Site) Show(w http.ResponseWriter, r *Request, p page.Page, code, message string) {
	if request.WantsPage(r.Request) && !r.Token.Sent {
		site.WritePage(w, r, p)
		return
	}
	response.WriteError(w, p.HTTPStatus(), code, message)
}

// WritePage answers with a page of this site.
func (site *Site) WritePage(w http.ResponseWriter, r *Request, p page.Page) {
	p.Site, p.Theme = HostName(r.Origin), site.Rules.Theme
	p.Write(w, r.Request)
}
