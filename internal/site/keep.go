package site

import (
	"context"

	"github.com/caddy-wechat/gateway/internal/outage"
)

// Forget drops what was prepared from the request's cookie. The session behind
// it has changed, and a store may keep the value: it would be renewed again and
// again, or a decline not be seen.
func (site *Site) Forget(r *Request) { site.cache.drop(r.cacheKey(r.SessionValue)) }

// StoreContext outlives the request: a visitor who leaves must not undo what
// was begun (attack: oauth2-proxy#1784, "context canceled" cleared sessions).
func (site *Site) StoreContext(r *Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), outage.StoreTimeout)
}
