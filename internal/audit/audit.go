package audit

import (
	"context"
	"log/slog"
	"strings"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/session"
)

// Action is what an audit line tells of.
type Action string

// The actions. Those below the blank line are of pushes, of the console and of the
// admin endpoints, not of requests to a site.
const (
	ActionSignIn  Action = "sign_in" // a new session
	ActionStepUp  Action = "step_up" // a new session of somebody signed in, who consented to more
	ActionDecline Action = "decline" // consent was asked and not given; reason page, wechat or scan
	ActionRefuse  Action = "refuse"  // WeChat does not let the visitor sign in; reason wechat
	ActionLogout  Action = "logout"  // reason visitor or upstream
	ActionForget  Action = "forget"  // WeChat gives a profile no more; reason wechat

	ActionRevoke Action = "revoke" // WeChat told that something was withdrawn
	ActionErase  Action = "erase"  // a person was erased
	ActionAdmin  Action = "admin"  // an operator did something; reason says what
)

// ShortID shortens a random id for logs and pages.
func ShortID(id string) string { return id[:min(len(id), 8)] }

// Record is one line of the audit log. Only what is set is written. Nothing
// in it names a person to anybody but the operator: ids are shortened here.
type Record struct {
	Action  Action
	Account string     // the account's name in the configuration
	User    string     // the person's id in the ledger; its first 8 characters are written
	Session session.ID // its short form is written
	Client  string     // see [Client]
	Scope   string
	Reason  string // a word of ours, or numbers of WeChat's; never what a visitor sent
	Flow    string // the dance's id; its first 8 characters are written
	Site    string // the origin
}

// Write writes the line; a nil logger is silent.
func Write(logger *slog.Logger, a Record) {
	if logger == nil {
		return
	}
	attrs := make([]slog.Attr, 0, 9)
	add := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	add("action", string(a.Action))
	add("account", a.Account)
	add("user", ShortID(a.User))
	if a.Session != (session.ID{}) {
		add("session", a.Session.Short())
	}
	add("client", a.Client)
	add("scope", a.Scope)
	add("reason", a.Reason)
	add("flow", ShortID(a.Flow))
	add("site", a.Site)
	logger.LogAttrs(context.Background(), slog.LevelInfo, string(a.Action), attrs...)
}

// systems are the tell-tales of systems, in the order in which they must be
// tried: HarmonyOS and Windows phones of old say Android too.
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
// wechat_linux, wechat, devtools, wecom or other. It is one of these words
// whatever was sent: nobody writes into the log.
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
