package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/session"
)

// Attack: a handler that looks at no context writes on to somebody whose
// session has ended. A context that ends for another reason stops nobody here.
func TestNothingIsWrittenAfterTheCut(t *testing.T) {
	for name, test := range map[string]struct {
		cause error
		want  string
	}{
		"session over": {session.ErrEnded, "begun,"},
		"visitor gone": {context.Canceled, "begun,written,read,"},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		recorder := httptest.NewRecorder()
		p := newReply(ctx, recorder, new(gate.Gate), new(site.Request))
		if _, err := p.Write([]byte("begun,")); err != nil {
			t.Fatal(err)
		}
		cancel(test.cause)
		_, written := p.Write([]byte("written,"))
		_, read := p.ReadFrom(strings.NewReader("read,"))
		flushed := http.NewResponseController(p).Flush()
		if recorder.Body.String() != test.want {
			t.Errorf("%s: %q went out, want %q", name, recorder.Body, test.want)
		}
		for _, err := range []error{written, read, flushed} {
			if errors.Is(err, session.ErrEnded) != (test.cause == session.ErrEnded) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
