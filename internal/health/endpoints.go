package health

import (
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/response"
)

// retry is what a client that is not a load balancer is told to wait.
const retry = 5 * time.Second

// Endpoints answers load balancers, below /_wechat/ of a site:
//
//	health  200: the process answers, and nothing else is asked
//	ready   200, or 503: the gateway can serve, with the state of each part
//
// They need no session, no particular Host, and no store that works.
type Endpoints struct {
	Monitor *Monitor
	WeChat  func() WeChat
}

// answer is the body of ready. It has states and no more: the visitors of a
// site can read it (attack: errors that name servers and addresses).
type answer struct {
	Code    int              `json:"code"`
	Error   string           `json:"error,omitempty"`
	Message string           `json:"message,omitempty"`
	Parts   map[string]State `json:"parts,omitempty"`
}

// Serve answers a request and returns true, or returns false if name, the path
// below /_wechat/, is none of these endpoints. stopping says that the server
// shuts down and serves those that are still sent to it.
func (e Endpoints) Serve(w http.ResponseWriter, r *http.Request, name string, stopping bool) bool {
	if name != "health" && name != "ready" {
		return false
	}
	response.TimeBody(w, r)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		response.MethodNotAllowed(w, http.MethodGet, http.MethodHead)
	case name == "health":
		response.WriteJSON(w, http.StatusOK, answer{Code: http.StatusOK})
	default:
		e.ready(w, stopping)
	}
	return true
}

func (e Endpoints) ready(w http.ResponseWriter, stopping bool) {
	report := e.Monitor.Ask()
	a := answer{Code: http.StatusOK, Parts: map[string]State{"wechat": e.WeChat().State}}
	for _, result := range report {
		a.Parts[string(result.Part)] = result.State
	}
	switch {
	case stopping:
		a.Code, a.Error, a.Message = http.StatusServiceUnavailable, "stopping", "This server is shutting down."
	case !report.Ready():
		a.Code, a.Error, a.Message = http.StatusServiceUnavailable, "not_ready", "A part of the gateway does not work."
	}
	if a.Code != http.StatusOK {
		response.RetryIn(w, retry)
	}
	response.WriteJSON(w, a.Code, a)
}
