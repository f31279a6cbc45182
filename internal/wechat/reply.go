package wechat

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The errors of an answer. They do not quote the answer, which may contain a
// token or echo the code.
var (
	errNotJSON  = errors.New("the answer is not a JSON object")
	errErrcode  = errors.New("the answer has an errcode that is not a number")
	errNoOpenID = errors.New("the answer has no valid openid")
	errUnionID  = errors.New("the answer has a malformed unionid")
)

// reply is the JSON object of an answer. Names match exactly; with a struct,
// "OPENID" would match "openid".
type reply map[string]json.RawMessage

// parseReply reads an answer and ignores its Content-Type (WeChat sends
// text/plain). Nicknames with raw control bytes or broken UTF-8 make the JSON
// invalid: it is repaired and read once more.
func parseReply(body []byte) (reply, error) {
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff"))
	var r reply
	if json.Unmarshal(body, &r) != nil {
		r = nil
		if json.Unmarshal(repairJSON(body), &r) != nil {
			return nil, errNotJSON
		}
	}
	if r == nil { // the word null
		return nil, errNotJSON
	}
	return r, nil
}

// repairJSON removes bytes below 0x20 inside strings and replaces broken UTF-8.
func repairJSON(body []byte) []byte {
	fixed := make([]byte, 0, len(body))
	inString, escaped := false, false
	for _, b := range body {
		switch {
		case inString && b < ' ':
			continue
		case escaped:
			escaped = false
		case b == '\\':
			escaped = inString
		case b == '"':
			inString = !inString
		}
		fixed = append(fixed, b)
	}
	return bytes.ToValidUTF8(fixed, []byte(string(utf8.RuneError)))
}

// text returns a string, or a number as it is written, because WeChat mixes
// them up. Absent and null give "". It returns false for anything else.
func (r reply) text(name string) (string, bool) {
	raw := r[name]
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", true
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9':
		return string(raw), true
	}
	return "", false
}

// flag reports whether a mark is set, as a number, a string or a boolean. An
// unknown value counts as set: a virtual visitor must not become a real one.
func (r reply) flag(name string) bool {
	text, ok := r.text(name)
	if !ok {
		return string(r[name]) != "false"
	}
	return text != "" && text != "0" && text != "false"
}

// errcode returns WeChat's error code; absent or 0 is success.
func (r reply) errcode() (int, error) {
	text, ok := r.text("errcode")
	text = strings.TrimSpace(text)
	if !ok {
		return 0, errErrcode
	}
	if text == "" {
		return 0, nil
	}
	code, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, errErrcode
	}
	return int(code), nil
}

// identity returns the openid and, if there is one, the unionid. A malformed id
// fails the whole answer: a partial identity could sign in another person.
func (r reply) identity() (openID, unionID string, err error) {
	openID, ok := r.id("openid")
	if !ok || openID == "" {
		return "", "", errNoOpenID
	}
	if unionID, ok = r.id("unionid"); !ok {
		return "", "", errUnionID
	}
	return openID, unionID, nil
}

// id returns an openid or unionid, "" if it is absent. It returns false for a
// malformed id.
func (r reply) id(name string) (string, bool) {
	text, ok := r.text(name)
	id, valid := parseID(text)
	return id, ok && (valid || id == "")
}
