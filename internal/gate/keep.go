package gate

import (
	"context"

	"github.com/caddy-wechat/gateway/internal/outage"
)

// forget drops what was prepared from the request's cookie. The session behind
// it has changed, and a store may keep the value: it would be renewed again and
// again, or a decline not be seen.
func (g *Gate) forget(r *Request) { g.cache.drop(r.cacheKey(r.cookie)) }

// storeContext outlives the request: a visitor who leaves must not undo what
// was begun (attack: oauth2-proxy#1784, "context canceled" cleared sessions).
func (g *Gate) storeContext(r *Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), outage.StoreTimeout)
}
