package wechattest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

const (
	maxPushFields = 64
	maxPushText   = 16 << 10 // bytes of all names and values of a push
)

// Member is one member of a pushed message. Members keep their order.
type Member struct{ Name, Value string }

// message is a pushed message before it is encoded.
type message []Member

func (m message) get(name string) string {
	for _, f := range m {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func (m message) has(name string) bool {
	return slices.ContainsFunc(m, func(f Member) bool { return f.Name == name })
}

// check refuses names that are not valid for an element, and messages that are
// too large.
func (m message) check() error {
	size := 0
	for _, f := range m {
		size += len(f.Name) + len(f.Value)
		if f.Name == "" || '0' <= f.Name[0] && f.Name[0] <= '9' || !only(f.Name, isNameByte) {
			return fmt.Errorf("%w: a member has the name %.40q", ErrBadPush, f.Name)
		}
	}
	if len(m) > maxPushFields || size > maxPushText {
		return fmt.Errorf("%w: more than %d members or %d bytes", ErrBadPush, maxPushFields, maxPushText)
	}
	return nil
}

func isNameByte(c byte) bool { return isAlnum(c) || c == '_' }

// bare are the members that are numbers.
var bare = []string{"CreateTime", "MsgId"}

// write encodes a message. odd imitates the official JSON sample, which is
// invalid: leading spaces in some keys and a trailing comma (WeChat:
// authorization_change.md).
func (m message) write(format PushFormat, odd bool) []byte {
	if format == PushJSON {
		return m.writeJSON(odd)
	}
	var b bytes.Buffer
	b.WriteString("<xml>")
	for _, f := range m {
		if slices.Contains(bare, f.Name) && only(f.Value, isDigit) {
			fmt.Fprintf(&b, "<%s>%s</%[1]s>", f.Name, f.Value)
			continue
		}
		// A text may contain the end of a CDATA section.
		value := strings.ReplaceAll(f.Value, "]]>", "]]]]><![CDATA[>")
		fmt.Fprintf(&b, "<%s><![CDATA[%s]]></%[1]s>", f.Name, value)
	}
	b.WriteString("</xml>")
	return b.Bytes()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (m message) writeJSON(odd bool) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		name := f.Name
		if odd && slices.Contains([]string{"OpenID", "AppID", "RevokeInfo"}, name) {
			name = " " + name
		}
		fmt.Fprintf(&b, "%q:", name)
		if slices.Contains(bare, f.Name) && f.Value != "" && only(f.Value, isDigit) {
			b.WriteString(f.Value)
		} else {
			b.Write(quoteJSON(f.Value))
		}
	}
	if odd {
		b.WriteByte(',')
	}
	b.WriteByte('}')
	return b.Bytes()
}
