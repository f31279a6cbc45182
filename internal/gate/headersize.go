package gate

import (
	"net/http"

	"github.com/caddy-wechat/gateway/internal/request"
)

// nginx reads the header of an answer into one buffer of 4 KiB, by default, and
// answers 502 where it does not fit. An address that would make ours longer is not
// kept: the visitor arrives at the front page instead.
const (
	maxHeader = 4096
	// addedLater is what is not there yet when a header is measured: the status line,
	// Date, Content-Length, and what servers and proxies in front add.
	addedLater = 256
	// maxHandedCode is what WeChat adds to an address that is handed on, in bytes: a
	// code, whose length is at most 512, and the state.
	maxHandedCode = len("?code=&state=") + 512 + 64
)

// headerFits reports whether an answer with this header so far can be a redirect.
func headerFits(h http.Header, location string) bool {
	n := len("Location: \r\nReferrer-Policy: no-referrer\r\n") + len(location) + addedLater
	for name, values := range h {
		for _, value := range values {
			n += len(name) + len(": \r\n") + len(value)
		}
	}
	return n < maxHeader
}

// returnTo sends the visitor to an address of this site, or to the front page where
// the address is too long for a header. Cookies are set before.
func returnTo(w http.ResponseWriter, r *Request, target string) {
	location := r.origin + target
	if !headerFits(w.Header(), request.HeaderAddress(location)) {
		location = r.origin + "/"
	}
	redirect(w, http.StatusSeeOther, location)
}
