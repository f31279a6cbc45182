package test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// reload loads a configuration in the place of the one before. Its answers say which
// one they are of: while the servers of before end, they may still take a connection.
func (w *world) reload(o options) {
	w.t.Helper()
	w.loads++
	o.before += fmt.Sprintf("\n\theader X-Load %d", w.loads)
	w.load(w.caddyfile(o))
}

// steady is a visitor who hears only what the configuration of the latest reload
// answers, and asks again where a server of before answered or closed the connection.
func (w *world) steady(personID string) *visitor {
	w.t.Helper()
	v := w.visitor(personID)
	v.client.Transport = steady{v.client.Transport, w}
	return v
}

type steady struct {
	http.RoundTripper
	w *world
}

func (s steady) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet || !strings.HasPrefix(r.URL.String(), s.w.site) {
		return s.RoundTripper.RoundTrip(r)
	}
	for tries := 1; ; tries++ {
		answer, err := s.RoundTripper.RoundTrip(r)
		closed := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
		former := err == nil && answer.Header.Get("X-Load") != strconv.Itoa(s.w.loads)
		if tries == 200 || !closed && !former {
			return answer, err
		}
		if former {
			_ = answer.Body.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
}
