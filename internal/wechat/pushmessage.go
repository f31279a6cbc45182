package wechat

import (
	"bytes"
	"strings"
	"time"
)

// The events about a person's account and withdrawn consent (授权用户信息变更,
// wechat-protocol F6), and about a follow and an unfollow (wechat-protocol F7).
const (
	PushRevoke      = "user_authorization_revoke"
	PushCancel      = "user_authorization_cancellation"
	PushModified    = "user_info_modified"
	PushSubscribe   = "subscribe"
	PushUnsubscribe = "unsubscribe"
)

// maxPushField bounds one field of a message, in bytes. A longer field counts
// as absent; the fields that the gateway uses are far shorter.
const maxPushField = 512

// PushMessage contains the fields of a push that the gateway uses. Every text
// is trimmed and untrusted: in plain mode an attacker who has seen a signature
// may have written it.
type PushMessage struct {
	// FromUserName is the sender's openid; in events about a person's account
	// it is one of WeChat's pseudo users, and the person is in OpenID.
	ToUserName, FromUserName string
	// MsgType and Event are in lower case.
	MsgType, Event string
	// MsgID is "" for events.
	MsgID string
	// CreateTime is zero if the push has no valid time.
	CreateTime time.Time
	// OpenID, UnionID and AppID belong to the person that an event is about.
	// OpenID and UnionID are "" if they have no valid form.
	OpenID, UnionID, AppID string
	// RevokeInfo has the codes of the withdrawn data, separated by commas.
	RevokeInfo string

	encrypt string
}

// Is reports whether this is that event.
func (m *PushMessage) Is(event string) bool {
	return m.Event == event && (m.MsgType == "event" || m.MsgType == "")
}

// AboutAccount reports whether this is one of the three events about a person's
// account (revoke, cancellation, modified).
func (m *PushMessage) AboutAccount() bool {
	return m.Is(PushRevoke) || m.Is(PushCancel) || m.Is(PushModified)
}

// Person returns the openid of the person an event is about, "" if WeChat left
// it out (seen with user_info_modified).
func (m *PushMessage) Person() string {
	if m.AboutAccount() {
		return m.OpenID
	}
	id, _ := parseID(m.FromUserName)
	return id
}

// pushFields maps the names of fields, in lower case, to the fields of a
// PushMessage.
var pushFields = map[string]func(m *PushMessage, text string){
	"tousername":   func(m *PushMessage, text string) { m.ToUserName = text },
	"fromusername": func(m *PushMessage, text string) { m.FromUserName = text },
	"msgtype":      func(m *PushMessage, text string) { m.MsgType = strings.ToLower(text) },
	"event":        func(m *PushMessage, text string) { m.Event = strings.ToLower(text) },
	"msgid":        func(m *PushMessage, text string) { m.MsgID = text },
	"createtime":   func(m *PushMessage, text string) { m.CreateTime, _ = pushTime(text) },
	"openid":       func(m *PushMessage, text string) { m.OpenID = pushID(text) },
	"unionid":      func(m *PushMessage, text string) { m.UnionID = pushID(text) },
	"appid":        func(m *PushMessage, text string) { m.AppID = text },
	"revokeinfo":   func(m *PushMessage, text string) { m.RevokeInfo = text },
	"encrypt":      func(m *PushMessage, text string) { m.encrypt = text },
}

func pushID(text string) string {
	if id, ok := parseID(text); ok {
		return id
	}
	return ""
}

// pushReader collects the fields of one message. If a name occurs twice, the
// first value counts.
type pushReader struct {
	message PushMessage
	seen    map[string]bool
}

// field adds one field. It ignores case and surrounding spaces in names,
// because WeChat varies them.
func (r *pushReader) field(name, text string) {
	name = strings.ToLower(strings.TrimSpace(name))
	set, known := pushFields[name]
	if !known || r.seen[name] {
		return
	}
	r.seen[name] = true
	switch text = strings.TrimSpace(text); {
	case name == "encrypt":
		set(&r.message, text)
	case len(text) <= maxPushField:
		// Copy the text: a substring would keep the whole field, up to a
		// mebibyte of spaces, in memory.
		set(&r.message, strings.Clone(text))
	}
}

// parsePush reads a message or an envelope, XML or JSON by content, because the
// format depends on a setting in WeChat's console. If reading fails, it repairs
// the errors that WeChat is known to make, and tries once more.
func parsePush(body []byte) (PushMessage, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
	read, repair := readPushJSON, repairPushJSON
	switch {
	case len(body) == 0:
		return PushMessage{}, ErrPushFormat
	case body[0] == '<':
		read, repair = readPushXML, repairPushXML
	}
	m, err := read(body)
	if err != nil {
		m, err = read(repair(body))
	}
	if err != nil {
		return PushMessage{}, ErrPushFormat
	}
	return m, nil
}

func newPushReader() *pushReader { return &pushReader{seen: make(map[string]bool, len(pushFields))} }
