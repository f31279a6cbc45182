package response

import (
	"net/http"
)

// nginx reads the header of an answer into one buffer of 4 KiB, by default, and
// answers 502 where it does not fit. An address that would make ours longer is not
// kept: the visitor arrives at the front page instead.
const (
	MaxHeader = 4096
	// AddedLater is what is not there yet when a header is measured: the status line,
	// Date, Content-Length, and what servers and proxies in front add.
	AddedLater = 256
)

// HeaderFits reports whether an answer with this header so far can be a redirect.
func HeaderFits(h http.Header, location string) bool {
	n := len("Location: \r\nReferrer-Policy: no-referrer\r\n") + len(location) + AddedLater
	for name, values := range h {
		for _, value := range values {
			n += len(name) + len(": \r\n") + len(value)
		}
	}
	return n < MaxHeader
}
