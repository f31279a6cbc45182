package gate_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// wrapper is a server's writer as Caddy wraps it: it notes deadlines,
// unguarded, and its writes look at what is noted.
type wrapper struct {
	http.ResponseWriter
	deadline time.Time
	set      *atomic.Int32
}

func (w *wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *wrapper) SetWriteDeadline(t time.Time) error {
	w.set.Add(1)
	w.deadline = t
	return http.NewResponseController(w.ResponseWriter).SetWriteDeadline(t)
}

func (w *wrapper) Write(b []byte) (int, error) {
	if !w.deadline.IsZero() {
		return 0, http.ErrHandlerTimeout
	}
	return w.ResponseWriter.Write(b)
}

// Somebody is cut who writes: whoever wraps the writer is not touched from
// another goroutine (a race with its own), the server's own deadline ends a
// write that hangs.
func TestLiveCutsBehindWrappers(t *testing.T) {
	t.Parallel()
	var set atomic.Int32
	w, over := streaming(t, func(w *town) {
		w.wrap = func(rw http.ResponseWriter) http.ResponseWriter { return &wrapper{ResponseWriter: rw, set: &set} }
	})
	b := w.browser("alice")
	b.open("/")
	b.stream("download to a client that does not read")
	b.stream("events")
	time.Sleep(500 * time.Millisecond)
	b.form("/_wechat/logout", nil)
	for range 2 {
		if kind, cut := within(over, cutPatience); !cut {
			t.Errorf("something runs on; the last that ended is %q", kind)
		}
	}
	if n := set.Load(); n != 0 {
		t.Errorf("the wrapper's deadline was set %d times", n)
	}
}
