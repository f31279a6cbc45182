package response

import (
	"net/http"
)

// By default nginx reads the header of an answer into one buffer of 4 KiB, and
// answers 502 if it does not fit. The gateway drops an address that would make
// its header longer, and sends the visitor to the front page instead.
const (
	MaxHeader = 4096
	// AddedLater is room for what is added after a header is measured: the
	// status line, Date, Content-Length, and headers of servers and proxies in
	// front.
	AddedLater = 256
)

// HeaderFits reports whether an answer with this header still has room for a
// redirect to location.
func HeaderFits(h http.Header, location string) bool {
	n := len("Location: \r\nReferrer-Policy: no-referrer\r\n") + len(location) + AddedLater
	for name, values := range h {
		for _, value := range values {
			n += len(name) + len(": \r\n") + len(value)
		}
	}
	return n < MaxHeader
}
