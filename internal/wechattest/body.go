package wechattest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// field is one member of a JSON object. Its value is a string, an int, a
// []field (an object), a [][]field (objects) or a []string.
type field struct {
	key   string
	value any
}

// style is how JSON is written.
type style struct {
	strings      bool // numbers as strings
	controlBytes bool // raw control bytes and broken UTF-8 inside the nickname
}

// write writes an object, members in their order, slashes escaped as WeChat's
// servers do.
func (s style) write(fields []field) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:", f.key)
		switch v := f.value.(type) {
		case int:
			if s.strings {
				fmt.Fprintf(&b, "%q", strconv.Itoa(v))
			} else {
				b.WriteString(strconv.Itoa(v))
			}
		case string:
			text := quoteJSON(v)
			if s.controlBytes && f.key == "nickname" {
				text = append(text[:len(text)-1], "\x07\x14\xff\""...)
			}
			b.Write(text)
		case []field:
			b.Write(s.write(v))
		case [][]field:
			b.WriteByte('[')
			for i, object := range v {
				if i > 0 {
					b.WriteByte(',')
				}
				b.Write(s.write(object))
			}
			b.WriteByte(']')
		default:
			b.WriteString("[]") // privilege, tagid_list: the only lists of strings, and always empty
		}
	}
	b.WriteByte('}')
	return b.Bytes()
}

// quoteJSON writes a string. HTML is not escaped, slashes are.
func quoteJSON(v string) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // a string can always be encoded
	return bytes.ReplaceAll(bytes.TrimSuffix(b.Bytes(), []byte("\n")), []byte("/"), []byte(`\/`))
}
