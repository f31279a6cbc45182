package response

import (
	"io"
	"net/http"
	"os"
	"time"
)

// bodyPatience is how long the body of a request to an endpoint may take to arrive.
// The largest has 64 KiB, most have a hundred bytes.
const bodyPatience = 5 * time.Second

// TimeBody bounds the time in which the body of r arrives, read or not: before it
// answers, the server reads what a handler has left (attack: clients that send a byte
// now and then hold a connection each, for as long as they like).
//
// The deadline is set through what wraps the server's writer: Caddy's idle timeouts
// would overwrite one that is set behind their back with each read (2.11.9).
func TimeBody(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return
	}
	until := time.Now().Add(bodyPatience)
	if http.NewResponseController(w).SetReadDeadline(until) != nil {
		r.Body = &timedBody{ReadCloser: r.Body, until: until} // the writer has none
	}
}

// bodyArrived takes the deadline away: the connection is watched for a client that
// leaves, and may carry other requests.
func bodyArrived(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // where there is none, none was set
}

// timedBody ends its reads in time where the connection cannot. A read that hangs goes
// on until the server closes the body.
type timedBody struct {
	io.ReadCloser
	until time.Time
	late  bool
}

type bodyRead struct {
	bytes []byte
	err   error
}

// Read implements io.Reader. It reads into memory of its own: what arrives too late
// must not be written where the caller does not expect it any more.
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
		b.late = true // two reads at once are not allowed
		return 0, os.ErrDeadlineExceeded
	}
}
