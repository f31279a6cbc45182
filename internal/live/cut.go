package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// ErrOver is why a running request was cut.
var ErrOver = fmt.Errorf("live: the session of a running request is over: %w", session.ErrEnded)

// cut ends a running request. The deadlines are for handlers that do not look at
// their context, and for a client that does not read: a write that hangs would
// hang on. They are repeated in every round for as long as the request runs, since
// others may set deadlines too.
func (n *Running) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cancel == nil {
		return
	}
	n.cancel(ErrOver)
	control := http.NewResponseController(innermost(n.w))
	_ = control.SetReadDeadline(time.Unix(1, 0)) // not every ResponseWriter can; the context has said it
	_ = control.SetWriteDeadline(time.Unix(1, 0))
}

// innermost returns the server's own writer. Its deadlines may be set while another
// goroutine writes. Those of what wraps it may not: Caddy's idle timeouts note them
// in the writer, unguarded (2.11.9).
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = outer.Unwrap()
	}
}

// Over returns an error if a request of [List.Watch] was cut: from then on nothing may
// be written to its visitor, whatever its handler looks at. ctx is the forwarded
// request's.
func Over(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, session.ErrEnded) {
		return cause
	}
	return nil
}
