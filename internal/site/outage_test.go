package site

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/session"
)

// logger returns a logger, and what it wrote at INFO and above.
func logger() (*slog.Logger, *strings.Builder) {
	text := new(strings.Builder)
	return slog.New(slog.NewTextHandler(text, nil)), text
}

// What is not available to one visitor is no outage.
func TestOneVisitorIsNoOutage(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"a key taken away": errKeyWithdrawn, "a crowd": signin.ErrTooBusy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("%v does not say unavailable", err)
			}
			if got := outage.Of("main", err); len(got) != 0 {
				t.Errorf("%v: down is %v, want nothing", err, got)
			}
		})
	}
}

// Attack: a client that leaves again and again makes the log say that a store
// is down.
func TestAttackAClientThatLeavesIsNoOutage(t *testing.T) {
	t.Parallel()
	shared := func(err error) error {
		return fmt.Errorf("signin: read: %w", outage.During(outage.CallSave, errors.Join(session.ErrUnavailable, err)))
	}
	for name, row := range map[string]struct {
		left bool
		err  error
		line bool
	}{
		"it waits":                {false, session.ErrUnavailable, true},
		"it left":                 {true, context.Canceled, false},
		"it left a poll":          {true, shared(context.Canceled), false},
		"it left the line":        {true, signin.ErrClientGone, false},
		"it left, and Redis hung": {true, shared(context.DeadlineExceeded), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, text := logger()
			g := &Site{Hub: &Hub{Memory: new(Memory)}, Logger: l}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if row.left {
				cancel()
			}
			r := newRequest(t, http.MethodGet, "/")
			g.LogUnavailable(&Request{Request: r.WithContext(ctx)}, g.Account, "", row.err)
			if got := text.Len() > 0; got != row.line {
				t.Errorf("the log says %q", text)
			}
			if open := g.Hub.Memory.outages.Open(); open != row.line {
				t.Errorf("an outage: %t", open)
			}
		})
	}
}
