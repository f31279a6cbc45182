package response

import (
	"io"
	"net/http"
	"os"
	"time"
)

// bodyPatience is how long the body of a request to an endpoint may take to
// arrive. The largest has 64 KiB, most have about a hundred bytes.
const bodyPatience = 5 * time.Second

// TimeBody bounds the time in which the body of r must arrive, even if no
// handler reads it: before the server answers, it reads what a handler has left
// (attack: clients that send a byte now and then each hold a connection for
// ever).
//
// The deadline is set through the wrappers of the server's writer: Caddy's idle
// timeouts would overwrite one that is set directly on the server's writer with
// each read (2.11.9).
func TimeBody(w http.ResponseWriter, r *http.Request) { TimeBodyFor(w, r, bodyPatience) }

// TimeBodyFor is TimeBody for a body that may be larger.
func TimeBodyFor(w http.ResponseWriter, r *http.Request, patience time.Duration) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return
	}
	until := time.Now().Add(patience)
	if http.NewResponseController(w).SetReadDeadline(until) != nil {
		r.Body = &timedBody{ReadCloser: r.Body, until: until} // the writer has no read deadline
	}
}

// BodyArrived removes the deadline: the server watches the connection for a
// client that leaves, and it may carry other requests.
func BodyArrived(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // it fails only where none was set
}

// TimeAnswer bounds the time in which a client must take the answer, until the
// returned function is called (attack: slow readers of large answers).
func TimeAnswer(w http.ResponseWriter, patience time.Duration) (end func()) {
	control := http.NewResponseController(w)
	if control.SetWriteDeadline(time.Now().Add(patience)) != nil {
		return func() {} // the writer has no write deadline
	}
	return func() { _ = control.SetWriteDeadline(time.Time{}) }
}

// timedBody ends its reads in time if the connection has no deadline. A read
// that hangs goes on in the background until the server closes the body.
type timedBody struct {
	io.ReadCloser
	until time.Time
	late  bool
}

type bodyRead struct {
	bytes []byte
	err   error
}

// Read implements io.Reader. It reads into its own buffer: late bytes must not
// be written to the caller's buffer after Read has returned.
func (b *timedBody) Read(p []byte) (int, error) {
	if b.late {
		return 0, os.ErrDeadlineExceeded
	}
	read := make(chan bodyRead, 1)
	own := make([]byte, min(len(p), 4<<10))
	go func() {
		n, err := b.ReadCloser.Read(own)
		read <- bodyRead{own[:n], err}
	}()
	timer := time.NewTimer(time.Until(b.until))
	defer timer.Stop()
	select {
	case r := <-read:
		return copy(p, r.bytes), r.err
	case <-timer.C:
		b.late = true // a second read must not run beside the first
		return 0, os.ErrDeadlineExceeded
	}
}
