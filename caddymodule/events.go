package caddymodule

import (
	"context"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/eventqueue"
)

// provisionEvents connects the audit log with Caddy's events app. Events go
// through a queue, because the events app calls its handlers in the goroutine
// of the one that emits: a handler such as exec would hold up a visitor.
func (a *App) provisionEvents(ctx caddy.Context) error {
	app, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("loading the events app: %w", err)
	}
	events, ok := app.(*caddyevents.App)
	if !ok {
		return fmt.Errorf("the events app is of another type: %T", app)
	}
	a.events = eventqueue.New(func(stops context.Context, e eventqueue.Event) {
		emitting := ctx
		emitting.Context = stops
		events.Emit(emitting, string(e.Name), e.Data)
	}, a.logger)
	a.audit.Events = emitter{a}
	// Caddy starts its apps in any order, and the events app accepts
	// subscriptions until it starts. Nothing may ask for them before all apps
	// have started.
	if err := events.On("started", startsEvents{a.events, events}); err != nil {
		return fmt.Errorf("subscribing to the start of Caddy: %w", err)
	}
	return nil
}

// startsEvents starts the queue when all apps have started.
type startsEvents struct {
	queue  *eventqueue.Queue
	events *caddyevents.App
}

// Handle implements caddyevents.Handler.
func (s startsEvents) Handle(context.Context, caddy.Event) error {
	s.queue.Start(slices.ContainsFunc(audit.Events, func(k audit.EventKind) bool { return s.events.ShouldEmit(string(k.Name)) }))
	return nil
}

// emitter sends the events of a configuration. A request that continues after
// its configuration was replaced sends them to the handlers of the running one.
type emitter struct{ app *App }

// Emit implements audit.Emitter.
func (e emitter) Emit(name audit.Event, data map[string]any) {
	event := eventqueue.Event{Name: name, Data: data}
	if e.app.events.Emit(event) {
		return
	}
	running, err := caddy.ActiveContext().AppIfConfigured("wechat")
	if next, ok := running.(*App); err == nil && ok && next != e.app {
		next.events.Emit(event)
	}
}

// Interface guards.
var (
	_ audit.Emitter       = emitter{}
	_ caddyevents.Handler = startsEvents{}
)
