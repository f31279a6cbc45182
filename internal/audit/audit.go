package audit

import (
	"context"
	"log/slog"
	"strings"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/session"
)

// Action says what an audit line records.
type Action string

// The actions. Those below the blank line come from pushes, the console and the
// admin endpoints, not from requests to a site.
const (
	ActionSignIn  Action = "sign_in" // a new session
	ActionStepUp  Action = "step_up" // a new session of a signed-in person who consented to more
	ActionDecline Action = "decline" // consent was asked and not given; reason page, wechat or scan
	ActionRefuse  Action = "refuse"  // WeChat does not let the visitor sign in; reason wechat
	ActionLogout  Action = "logout"  // reason visitor or upstream
	ActionForget  Action = "forget"  // WeChat no longer gives a profile; reason wechat

	ActionRevoke Action = "revoke" // WeChat reported a withdrawal
	ActionErase  Action = "erase"  // a person was erased
	ActionAdmin  Action = "admin"  // an operator did something; reason says what
)

// Actions returns all actions.
func Actions() []Action {
	return []Action{
		ActionSignIn, ActionStepUp, ActionDecline, ActionRefuse, ActionLogout, ActionForget, ActionRevoke, ActionErase, ActionAdmin,
	}
}

// ShortID shortens a random id for logs and pages.
func ShortID(id string) string { return id[:min(len(id), 8)] }

// Record is one line of the audit log. Only set fields are written. Ids are
// shortened, so that only the operator can match them to a person.
type Record struct {
	Action  Action
	Account string     // the account's name in the configuration
	User    string     // the person's id in the ledger; its first 8 characters are written
	Session session.ID // its short form is written
	Client  string     // see [Client]
	Scope   string
	Reason  string // a word of ours, or WeChat's numbers; never a visitor's text
	Flow    string // the name of the sign-in, or its id; 8 characters are written
	Site    string // the origin

	Operator string // the operator whom a call claims to come from
	From     string // where an operator's call comes from: an address, or "unix socket"
}

// Log is where records go: each becomes a line and an event. The zero value is
// silent.
type Log struct {
	Lines  *slog.Logger // nil: no lines
	Events Emitter      // nil: no events
}

// Write writes a record once: its line and its event come from the same call,
// so that no caller can forget one of them.
func (l Log) Write(a Record) {
	if l.Lines == nil && l.Events == nil {
		return
	}
	fields := a.fields()
	if l.Lines != nil {
		attrs := []slog.Attr{slog.String("action", string(a.Action))}
		for _, f := range fields {
			if f.Value != "" {
				attrs = append(attrs, slog.String(f.Name, f.Value))
			}
		}
		l.Lines.LogAttrs(context.Background(), slog.LevelInfo, string(a.Action), attrs...)
	}
	l.emitFor(a.Action, fields)
}

// fields returns the fields of the record, shortened. Lines and events have
// nothing else (attack: a log or a handler that holds whole ids finds persons).
func (a Record) fields() []Field {
	var short string
	if a.Session != (session.ID{}) {
		short = a.Session.Short()
	}
	return []Field{
		{FieldAccount, a.Account},
		{FieldUser, ShortID(a.User)},
		{FieldSession, short},
		{FieldClient, a.Client},
		{FieldScope, a.Scope},
		{FieldReason, a.Reason},
		{FieldFlow, ShortID(a.Flow)},
		{FieldSite, a.Site},
		{FieldOperator, a.Operator},
		{FieldFrom, a.From},
	}
}

// systems are the marks of systems in a User-Agent, in the order in which they
// must be tried: old HarmonyOS and Windows phones contain Android, too.
var systems = []struct{ sign, name string }{
	{"openharmony", "ohos"},
	{"harmonyos", "ohos"},
	{"windows", "windows"},
	{"android", "android"},
	{"iphone", "ios"},
	{"ipad", "ios"},
	{"macintosh", "mac"},
	{"mac os", "mac"},
	{"linux", "linux"},
}

// Client names the kind of client that a User-Agent claims to be, for logs:
// wechat_android, wechat_ios, wechat_ohos, wechat_windows, wechat_mac,
// wechat_linux, wechat, devtools, wecom or other. The result is always one of
// these words, so that a client cannot write into the log.
func Client(userAgent string) string {
	switch family := request.DetectBrowser(userAgent).Family; family {
	case request.FamilyWeChat:
	case request.FamilyNone:
		return "other"
	default:
		return string(family)
	}
	lower := strings.ToLower(userAgent[:min(len(userAgent), request.MaxUserAgent)])
	for _, s := range systems {
		if strings.Contains(lower, s.sign) {
			return string(request.FamilyWeChat) + "_" + s.name
		}
	}
	return string(request.FamilyWeChat)
}
