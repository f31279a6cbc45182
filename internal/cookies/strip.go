package cookies

import (
	"net/http"

	"github.com/caddy-wechat/gateway/session"
)

// Strip removes our cookies from r before the upstream sees it: the app does
// not need them, and might log them. It also removes those of other sites on
// the same host, which browsers send along (attack: an app on another port
// reads the session of its neighbour's visitor).
func Strip(r *http.Request) { session.StripFunc(r, Ours) }
