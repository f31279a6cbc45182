package wechat

import (
	"net/url"
	"strconv"
	"time"
)

// Limits of a push's query, in bytes.
const (
	maxPushQuery = 4096
	maxPushParam = 256
)

// PushQuery is the query of a push or of the check of a server URL (消息推送,
// wechat-protocol F1, F2, F3). It is untrusted until [PushKeys.CheckQuery] has
// succeeded.
type PushQuery struct {
	Signature, MsgSignature, Timestamp, Nonce string
	// EchoStr is present only when WeChat checks the server URL. It is the
	// answer to the check.
	EchoStr string
}

// ParsePushQuery reads a raw query of at most 4 KiB. A known parameter that
// occurs twice, or is longer than 256 bytes, is ErrPushSignature: a relay might
// read the other value.
func ParsePushQuery(raw string) (PushQuery, error) {
	if len(raw) > maxPushQuery {
		return PushQuery{}, ErrPushSignature
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return PushQuery{}, ErrPushSignature
	}
	var q PushQuery
	for name, into := range map[string]*string{
		"signature": &q.Signature, "msg_signature": &q.MsgSignature, "timestamp": &q.Timestamp, "nonce": &q.Nonce, "echostr": &q.EchoStr,
	} {
		given := values[name]
		if len(given) > 1 || len(given) == 1 && len(given[0]) > maxPushParam {
			return PushQuery{}, ErrPushSignature
		}
		if len(given) == 1 {
			*into = given[0]
		}
	}
	return q, nil
}

// Time is when WeChat signed the push; false if the timestamp is not a time.
func (q PushQuery) Time() (time.Time, bool) { return pushTime(q.Timestamp) }

// pushTime reads seconds since 1970, of at most 11 digits.
func pushTime(text string) (time.Time, bool) {
	if len(text) > 11 {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseUint(text, 10, 63)
	if err != nil || seconds == 0 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}

// Echo returns the answer to a check of the server URL with a correct
// signature: 1 to 256 bytes of visible ASCII. It returns false for any other
// text.
func (q PushQuery) Echo() (string, bool) {
	for i := range len(q.EchoStr) {
		if q.EchoStr[i] <= ' ' || q.EchoStr[i] > '~' {
			return "", false
		}
	}
	return q.EchoStr, q.EchoStr != ""
}
