package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// ErrOver is the cause with which a running request is cut.
var ErrOver = fmt.Errorf("live: the session of a running request has ended: %w", session.ErrEnded)

// cut ends a running request. It sets deadlines for handlers that ignore their
// context, and for a client that does not read, so that a hanging write ends.
// It repeats them in every round while the request runs, since other code may
// set deadlines, too.
func (n *Running) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cancel == nil {
		return
	}
	n.cancel(ErrOver)
	control := http.NewResponseController(innermost(n.w))
	_ = control.SetReadDeadline(time.Unix(1, 0)) // not every ResponseWriter supports it; the context is already cancelled
	_ = control.SetWriteDeadline(time.Unix(1, 0))
}

// innermost returns the server's own writer. Its deadlines may be set while
// another goroutine writes. Those of its wrappers may not: Caddy's idle
// timeouts store them in the wrapper without a lock (2.11.9).
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = outer.Unwrap()
	}
}

// Over returns an error if a request of [List.Watch] was cut: from then on
// nothing may be written to its visitor, even if its handler ignores the
// context. ctx is the forwarded request's.
func Over(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, session.ErrEnded) {
		return cause
	}
	return nil
}
