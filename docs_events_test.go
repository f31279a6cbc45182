package gateway_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddy-wechat/gateway/internal/audit"
)

// docs/events.md has exactly the events and fields of the code, in their order,
// and explains each field; in both languages.
func TestDocumentOfEventsIsTrue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, fields string }{
		{"docs/events.md", "| field | |"},
		{"docs/events.zh-CN.md", "| 字段 | |"},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			eventsAreTrue(t, string(readFile(t, c.file)), c.fields)
		})
	}
}

// eventsAreTrue compares a document's text with the events of the code. Its
// table of fields begins with the row fieldsTable.
func eventsAreTrue(t *testing.T, text, fieldsTable string) {
	t.Helper()
	var want, got []string
	fields := map[string]bool{}
	for _, k := range audit.Events {
		want = append(want, string(k.Name)+" "+strings.Join(k.Fields, " "))
		for _, name := range k.Fields {
			fields[name] = true
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(wechat_[a-z_]+)` \\|.*\\| ((?:`[a-z]+` ?)+)\\|$").FindAllStringSubmatch(text, -1) {
		got = append(got, m[1]+" "+strings.TrimSpace(strings.ReplaceAll(m[2], "`", "")))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the document has the events\n%s\nand the code\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	_, explained, _ := strings.Cut(text, fieldsTable)
	explained, _, _ = strings.Cut(explained, "\n## ")
	for name := range fields {
		if !regexp.MustCompile("(?m)^\\|[^|]*`" + name + "`[^|]*\\|").MatchString(explained) {
			t.Errorf("the document does not explain the field %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`\{event\.data\.([a-z]+)\}`).FindAllStringSubmatch(text, -1) {
		if !fields[m[1]] {
			t.Errorf("the example uses the field %s, which no event has", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\t\ton (\S+)`).FindAllStringSubmatch(text, -1) {
		if !slices.ContainsFunc(audit.Events, func(k audit.EventKind) bool { return string(k.Name) == m[1] }) {
			t.Errorf("the example subscribes to %s, which is no event", m[1])
		}
	}
}

func init() { caddy.RegisterModule(execStandIn{}) }

// execStandIn has the syntax of github.com/mholt/caddy-events-exec, which the
// document shows and this module does not depend on. It starts nothing.
type execStandIn struct {
	Command string   `json:"command,omitempty"`
	Args    []string `json:"args,omitempty"`
}

// CaddyModule implements caddy.Module.
func (execStandIn) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.exec", New: func() caddy.Module { return new(execStandIn) }}
}

// UnmarshalCaddyfile implements caddyfile.Unmarshaler.
func (e *execStandIn) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.NextArg() {
		return d.ArgErr()
	}
	e.Command, e.Args = d.Val(), d.RemainingArgs()
	return nil
}

// Handle implements caddyevents.Handler.
func (*execStandIn) Handle(context.Context, caddy.Event) error { return nil }

var (
	_ caddyfile.Unmarshaler = (*execStandIn)(nil)
	_ caddyevents.Handler   = (*execStandIn)(nil)
)
