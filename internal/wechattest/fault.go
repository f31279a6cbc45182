package wechattest

import (
	"fmt"
	"net/http"
	"slices"
)

// fault replaces the answer to a request.
type fault struct {
	kind       string // name of the quirk; "" is none
	errcode    int    // errcode of the answer; 0 is none
	value      int    // of a Number
	carriesOut bool   // the call is carried out before the fault
	half       bool   // only half of the answer is sent
	write      func(w http.ResponseWriter, r *http.Request)
}

// strike returns the first fault that fires at an endpoint.
func (s *Server) strike(at string) fault {
	s.quirks.mu.Lock()
	defer s.quirks.mu.Unlock()
	q, page := &s.quirks.q, slices.Contains(pageOnly, at)
	due := func(k *Knob) bool {
		// Faults strike the pages only if a Knob names them.
		return (!page || k.Endpoint == at) && k.fires(at)
	}
	value := func(n *Number) int {
		if page && n.Endpoint != at {
			return 0
		}
		return n.fires(at)
	}
	f := fault{carriesOut: q.Late}
	switch {
	case due(&q.Hang):
		f.kind, f.write = "Hang", s.hang
	case due(&q.CutConnection):
		f.kind, f.write, f.carriesOut = "CutConnection", cut, true
	case setInt(&f.value, value(&q.HTTPStatus)):
		f.kind, f.write = "HTTPStatus", badGateway(f.value)
	case due(&q.HTMLBody):
		f.kind, f.write = "HTMLBody", badGateway(http.StatusOK)
	case due(&q.Busy):
		f.kind, f.errcode = "Busy", -1
	case due(&q.TooFrequent):
		f.kind, f.errcode = "TooFrequent", 45011
	case setInt(&f.errcode, value(&q.WrongErrcode)):
		f.kind = "WrongErrcode"
	case due(&q.TruncatedJSON):
		f.kind, f.half, f.carriesOut = "TruncatedJSON", true, true
	default:
		return fault{}
	}
	return f
}

// setInt sets *to, and reports whether value is not 0.
func setInt(to *int, value int) bool {
	*to = value
	return value != 0
}

// hang does not answer until the client disconnects or the Server is closed.
func (s *Server) hang(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closed.Done():
		cut(w, r)
	}
}

// cut closes the connection without a byte of an answer.
func cut(w http.ResponseWriter, _ *http.Request) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: net/http's own way to end a stream
	}
	_ = connection.Close()
}

// badGateway answers as a proxy in front of WeChat does.
func badGateway(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><head><title>%d %[2]s</title></head><body><center><h1>%[1]d %[2]s</h1></center></body></html>\n",
			status, http.StatusText(status))
	}
}
