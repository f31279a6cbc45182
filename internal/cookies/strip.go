package cookies

import (
	"net/http"

	"github.com/caddy-wechat/gateway/session"
)

// Strip removes our cookies from r before the upstream sees it: they are
// of no use to the app, whose logs might keep them. Those of other sites on the
// same host go too, which browsers send along (attack: an app on another port
// reads the session of its neighbour's visitor).
func Strip(r *http.Request) { session.StripFunc(r, Ours) }
