package audit

import "slices"

// Event is the name of an event for Caddy's events app. Names are an interface:
// operators write them into their Caddyfiles.
type Event string

// The events. Those below the blank line have no audit line.
const (
	EventSignedIn  Event = "wechat_signed_in"
	EventSteppedUp Event = "wechat_stepped_up"
	EventDeclined  Event = "wechat_declined"
	EventRefused   Event = "wechat_refused"
	EventSignedOut Event = "wechat_signed_out"
	EventForgotten Event = "wechat_profile_forgotten"
	EventRevoked   Event = "wechat_revoked"
	EventErased    Event = "wechat_erased"
	EventAdmin     Event = "wechat_admin"

	EventUnavailable Event = "wechat_unavailable"  // an outage begins: what, account and call do not answer
	EventAvailable   Event = "wechat_available"    // … and ends
	EventWebhookDead Event = "wechat_webhook_dead" // a webhook's event was given up and is now a dead letter
)

// The fields of events. Those of audit lines have the same names there.
const (
	FieldAccount = "account"
	FieldUser    = "user"
	FieldSession = "session"
	FieldClient  = "client"
	FieldScope   = "scope"
	FieldReason  = "reason"
	FieldFlow    = "flow"
	FieldSite    = "site"

	FieldOperator = "operator"
	FieldFrom     = "from"

	FieldWhat    = "what"
	FieldCall    = "call"
	FieldWebhook = "webhook"
	FieldType    = "type"
)

// EventKind is a row of the table of events.
type EventKind struct {
	Name   Event
	Action Action // of the audit line that is written with it; "" for none
	// Fields are the data of the event. Each event has all of them; "" means
	// unknown. No other field ever reaches a handler (attack: what a log line
	// gains later goes to other programs unseen).
	Fields []string
}

// Events is the table of events. docs/events.md has the same rows.
var Events = []EventKind{
	{EventSignedIn, ActionSignIn, []string{FieldAccount, FieldUser, FieldSession, FieldClient, FieldScope, FieldReason, FieldFlow, FieldSite}},
	{EventSteppedUp, ActionStepUp, []string{FieldAccount, FieldUser, FieldSession, FieldClient, FieldScope, FieldFlow, FieldSite}},
	{EventDeclined, ActionDecline, []string{FieldAccount, FieldUser, FieldSession, FieldClient, FieldScope, FieldReason, FieldFlow, FieldSite}},
	{EventRefused, ActionRefuse, []string{FieldAccount, FieldUser, FieldSession, FieldClient, FieldScope, FieldReason, FieldFlow, FieldSite}},
	{EventSignedOut, ActionLogout, []string{FieldAccount, FieldUser, FieldSession, FieldClient, FieldReason, FieldSite, FieldOperator, FieldFrom}},
	{EventForgotten, ActionForget, []string{FieldUser, FieldReason}},
	{EventRevoked, ActionRevoke, []string{FieldAccount, FieldUser, FieldReason}},
	{EventErased, ActionErase, []string{FieldAccount, FieldUser, FieldReason, FieldOperator, FieldFrom}},
	{EventAdmin, ActionAdmin, []string{FieldUser, FieldReason, FieldOperator, FieldFrom}},

	{EventUnavailable, "", []string{FieldWhat, FieldAccount, FieldCall}},
	{EventAvailable, "", []string{FieldWhat, FieldAccount, FieldCall}},
	{EventWebhookDead, "", []string{FieldWebhook, FieldType}},
}

// Emitter takes events. Emit must not block: it is called while a visitor
// waits.
type Emitter interface {
	Emit(event Event, data map[string]any)
}

// Field is one datum of an event or a line.
type Field struct{ Name, Value string }

// Emit sends an event without an audit line. Fields that the table does not
// have are left out. Without Events it does nothing.
func (l Log) Emit(event Event, fields ...Field) {
	if i := slices.IndexFunc(Events, func(k EventKind) bool { return k.Name == event }); i >= 0 {
		l.emit(&Events[i], fields)
	}
}

// emitFor sends the event of an audit line.
func (l Log) emitFor(action Action, fields []Field) {
	if i := slices.IndexFunc(Events, func(k EventKind) bool { return k.Action == action }); i >= 0 && action != "" {
		l.emit(&Events[i], fields)
	}
}

func (l Log) emit(kind *EventKind, fields []Field) {
	if l.Events == nil {
		return
	}
	data := make(map[string]any, len(kind.Fields))
	for _, name := range kind.Fields {
		data[name] = ""
	}
	for _, f := range fields {
		if _, ok := data[f.Name]; ok {
			data[f.Name] = f.Value
		}
	}
	l.Events.Emit(kind.Name, data)
}
