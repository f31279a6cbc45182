package wechat

import (
	"bytes"
	"strings"
	"time"
)

// The events that tell of a person's account and of what they withdrew (WeChat:
// 授权用户信息变更), and the one of an unfollow.
const (
	PushRevoke      = "user_authorization_revoke"
	PushCancel      = "user_authorization_cancellation"
	PushModified    = "user_info_modified"
	PushUnsubscribe = "unsubscribe"
)

// maxPushField bounds one field of a message, in bytes; a longer one is as good
// as absent. Nothing that we act on comes near.
const maxPushField = 512

// PushMessage is what a push says, as far as we care. Every text is trimmed, and
// hostile: in plain mode anybody who saw a signature may have written it.
type PushMessage struct {
	// FromUserName is the sender's openid; in events about a person's account
	// it is a pseudo user of WeChat's, and the person is OpenID.
	ToUserName, FromUserName string
	// MsgType and Event are in lower case.
	MsgType, Event string
	// MsgID is "" for events.
	MsgID string
	// CreateTime is zero if there was none that makes sense.
	CreateTime time.Time
	// OpenID, UnionID and AppID are of the person whom an event is about.
	// OpenID and UnionID are "" where they cannot be such an id.
	OpenID, UnionID, AppID string
	// RevokeInfo are the codes of what was withdrawn, separated by commas.
	RevokeInfo string

	encrypt string
}

// Is reports whether this is that event.
func (m *PushMessage) Is(event string) bool {
	return m.Event == event && (m.MsgType == "event" || m.MsgType == "")
}

// AboutAccount reports whether this is one of the three events that tell of a
// person's account (revoke, cancellation, modified).
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

// pushFields maps the names of fields, in lower case, to where they go.
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

// pushReader collects the fields of one message. Of a name that is there twice
// the first counts.
type pushReader struct {
	message PushMessage
	seen    map[string]bool
}

// field takes one field. Names are matched as WeChat is known to write them: in
// any case, with blanks around.
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
		// A copy: what is remembered of the field must not keep the blanks around
		// it, a mebibyte of them, in memory.
		set(&r.message, strings.Clone(text))
	}
}

// parsePush reads a message or an envelope, XML or JSON by content: what comes
// depends on a setting in WeChat's console. What cannot be read is repaired as
// far as WeChat is known to break it, and read once more.
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
