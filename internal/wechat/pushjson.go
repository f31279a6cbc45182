package wechat

import (
	"bytes"
	"encoding/json"
	"io"
)

// readPushJSON reads the object of a push. It skips fields that are objects.
func readPushJSON(body []byte) (PushMessage, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return PushMessage{}, ErrPushFormat
	}
	r := newPushReader()
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return PushMessage{}, ErrPushFormat
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return PushMessage{}, ErrPushFormat
		}
		field, _ := name.(string)
		if text, ok := pushText(raw); ok {
			r.field(field, text)
		}
	}
	if _, err := d.Token(); err != nil {
		return PushMessage{}, ErrPushFormat
	}
	if _, err := d.Token(); err != io.EOF {
		return PushMessage{}, ErrPushFormat // a second value
	}
	return r.message, nil
}

// pushText returns a string, a number as it is written, or the elements of a
// list separated by commas. It refuses a list that is longer than a field may
// be.
func pushText(raw json.RawMessage) (string, bool) {
	if len(raw) > 0 && raw[0] == '[' {
		if len(raw) > maxPushField {
			return "", false
		}
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return "", false
		}
		var b bytes.Buffer
		for i, element := range list {
			text, ok := reply{"": element}.text("")
			if !ok {
				return "", false
			}
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(text)
		}
		return b.String(), true
	}
	return reply{"": raw}.text("")
}

// repairPushJSON is repairJSON, and also removes commas before a closing
// bracket: the official sample has one.
func repairPushJSON(body []byte) []byte {
	body = repairJSON(body)
	fixed := make([]byte, 0, len(body))
	inString, escaped := false, false
	for _, b := range body {
		switch {
		case escaped:
			escaped = false
		case b == '\\':
			escaped = inString
		case b == '"':
			inString = !inString
		case !inString && (b == '}' || b == ']'):
			fixed = bytes.TrimRight(fixed, " \t\r\n")
			fixed = bytes.TrimSuffix(fixed, []byte(","))
		}
		fixed = append(fixed, b)
	}
	return fixed
}
