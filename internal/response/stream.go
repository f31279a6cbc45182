package response

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// streamWrite is how long a browser may take to read one event.
const streamWrite = 10 * time.Second

// Stream is an answer of server-sent events (WHATWG HTML, server-sent events).
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// NewStream returns a stream that has not begun.
func NewStream(w http.ResponseWriter) Stream {
	return Stream{w: w, control: http.NewResponseController(w)}
}

// Begin sends the head.
func (s Stream) Begin() error {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // otherwise a proxy in front buffers everything to the end
	h.Set("X-Content-Type-Options", "nosniff")
	s.w.WriteHeader(http.StatusOK)
	_, err := io.WriteString(s.w, "retry: 500\n\n") // milliseconds until the browser reconnects
	return err
}

// Say sends one event. A browser that does not read must not block it (attack:
// slow readers).
func (s Stream) Say(data string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(streamWrite)) // not every writer supports deadlines
	if _, err := fmt.Fprintf(s.w, "data: %s\n\n", data); err != nil {
		return err
	}
	return s.flush()
}

// flush fails if the writer cannot send anything before the end; then the
// browser polls.
func (s Stream) flush() error {
	if err := s.control.Flush(); err != nil {
		return errors.Join(errors.New("response: the answer cannot be streamed"), err)
	}
	return nil
}

// End removes the deadline: the connection may carry other answers.
func (s Stream) End() { _ = s.control.SetWriteDeadline(time.Time{}) }
