package audit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/session"
)

// recorder keeps the events that it gets.
type recorder struct {
	names []Event
	data  []map[string]any
}

func (r *recorder) Emit(name Event, data map[string]any) {
	r.names, r.data = append(r.names, name), append(r.data, data)
}

// full is a record whose fields are all set.
func full(action Action) Record {
	return Record{
		Action: action, Account: "main", User: strings.Repeat("p", 26), Session: session.ID{1}, Client: "other",
		Scope: "snsapi_base", Reason: "page", Flow: strings.Repeat("F", 26), Site: "https://shop.example.com",
		Operator: "claimed:root", From: "127.0.0.1",
	}
}

// Every action has one event, and every event has exactly the fields of its
// row, shortened as in the audit log.
func TestEventsOfActions(t *testing.T) {
	t.Parallel()
	for _, action := range constants(t, "Action") {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			var r recorder
			Log{Events: &r}.Write(full(Action(action)))
			if len(r.names) != 1 {
				t.Fatalf("events %q, want one", r.names)
			}
			row := Events[slices.IndexFunc(Events, func(k EventKind) bool { return k.Name == r.names[0] })]
			if got := slices.Sorted(maps.Keys(r.data[0])); row.Action != Action(action) || !slices.Equal(got, slices.Sorted(slices.Values(row.Fields))) {
				t.Errorf("%s has the fields %q, want %q", row.Name, got, row.Fields)
			}
			for name, value := range r.data[0] {
				if text, ok := value.(string); !ok || text == "" || strings.Contains(text, "ppppppppp") || strings.Contains(text, "FFFFFFFFF") {
					t.Errorf("%s is %v", name, value)
				}
			}
		})
	}
}

// The table has each event once, and each of the events.
func TestTableOfEvents(t *testing.T) {
	t.Parallel()
	var names []string
	for _, k := range Events {
		names = append(names, string(k.Name))
	}
	if want := constants(t, "Event"); !slices.Equal(names, want) {
		t.Errorf("the table has %q, want %q", names, want)
	}
}

// An event without a line gets the fields of its row and no other.
func TestEmit(t *testing.T) {
	t.Parallel()
	var r recorder
	l := Log{Events: &r}
	l.Emit(EventWebhookDead, Field{FieldWebhook, "crm"}, Field{"openid", "oAbc"})
	l.Emit("wechat_unknown", Field{FieldWebhook, "crm"})
	Log{}.Emit(EventWebhookDead)
	if len(r.names) != 1 || !maps.Equal(r.data[0], map[string]any{FieldWebhook: "crm", FieldType: ""}) {
		t.Errorf("%q %v", r.names, r.data)
	}
}

// constants returns the values of the constants of a type in this package, in
// the order of their files.
func constants(t *testing.T, typeName string) (values []string) {
	t.Helper()
	for _, name := range []string{"audit.go", "event.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if ident, ok := spec.Type.(*ast.Ident); ok && ident.Name == typeName {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value)
			}
			return true
		})
	}
	if len(values) < 8 {
		t.Fatalf("only %d constants of type %s were found", len(values), typeName)
	}
	return values
}
