package test

import (
	"context"
	"fmt"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
)

func init() { caddy.RegisterModule(eventProbe{}) }

// eventProbe is a handler of Caddy's events app that hands events to a test:
//
//	events {
//		on wechat_signed_in probe <name> {event.data.user} …
//	}
//
// The test receives the arguments with their placeholders replaced, as a
// program started by exec would.
type eventProbe struct {
	Args []string `json:"args,omitempty"`
}

// probes are the tests that listen, by name.
var probes sync.Map // of func(probed)

// probed is one event as its handler saw it.
type probed struct {
	name, module string
	data         map[string]any
	args         []string
}

// CaddyModule implements caddy.Module.
func (eventProbe) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.probe", New: func() caddy.Module { return new(eventProbe) }}
}

// UnmarshalCaddyfile implements caddyfile.Unmarshaler.
func (p *eventProbe) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	p.Args = d.RemainingArgs()
	if len(p.Args) == 0 {
		return d.ArgErr()
	}
	return nil
}

// Handle implements caddyevents.Handler.
func (p *eventProbe) Handle(ctx context.Context, e caddy.Event) error {
	listener, ok := probes.Load(p.Args[0])
	if !ok {
		return fmt.Errorf("no test listens as %s", p.Args[0])
	}
	repl := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	got := probed{name: e.Name(), data: e.Data}
	for _, arg := range p.Args[1:] {
		got.args = append(got.args, repl.ReplaceAll(arg, ""))
	}
	if from := e.Origin(); from != nil {
		got.module = string(from.CaddyModule().ID)
	}
	listener.(func(probed))(got)
	return nil
}

// listen lets a test receive the events of a probe until it ends.
func (w *world) listen(name string, receive func(probed)) {
	probes.Store(name, receive)
	w.t.Cleanup(func() { probes.Delete(name) })
}

var (
	_ caddyfile.Unmarshaler = (*eventProbe)(nil)
	_ caddyevents.Handler   = (*eventProbe)(nil)
)
