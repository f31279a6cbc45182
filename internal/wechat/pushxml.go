package wechat

import (
	"bytes"
	"encoding/xml"
	"io"
	"unicode/utf8"
)

// maxPushDepth bounds how deep elements may be nested. WeChat's deepest push, a
// list of chosen pictures, has five levels.
const maxPushDepth = 32

// readPushXML reads the fields of a push: the texts of the root's child
// elements. It refuses declarations, so there are only XML's predefined
// entities (attacks: billion laughs, XXE).
func readPushXML(body []byte) (PushMessage, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	r := newPushReader()
	var name string
	var text bytes.Buffer
	depth, roots := 0, 0
	for {
		token, err := d.RawToken()
		if err == io.EOF { //nolint:errorlint // RawToken returns it bare
			break
		}
		if err != nil {
			return PushMessage{}, ErrPushFormat
		}
		switch t := token.(type) {
		case xml.Directive:
			return PushMessage{}, ErrPushFormat
		case xml.StartElement:
			depth++
			if depth == 1 {
				roots++
			} else if depth == 2 {
				name = t.Name.Local
				text.Reset()
			}
		case xml.CharData:
			if depth == 2 {
				text.Write(t)
			}
		case xml.EndElement:
			if depth == 2 {
				r.field(name, text.String())
			}
			depth--
		}
		if depth < 0 || depth > maxPushDepth {
			return PushMessage{}, ErrPushFormat
		}
	}
	if depth != 0 || roots != 1 {
		return PushMessage{}, ErrPushFormat
	}
	return r.message, nil
}

// repairPushXML removes bytes that XML does not allow, such as raw control
// bytes in nicknames, and replaces broken UTF-8.
func repairPushXML(body []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\ufffe' || r == '\uffff' {
			return -1
		}
		return r // bytes that are not UTF-8 arrive as U+FFFD
	}, bytes.ToValidUTF8(body, []byte(string(utf8.RuneError))))
}
