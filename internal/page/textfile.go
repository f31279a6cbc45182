package page

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// byteOrderMark is what some editors put in front of a text. In a page it would
// be a character that switches the browser to quirks mode.
const byteOrderMark = "\ufeff"

var errUTF16 = errors.New("the file is UTF-16 ('Unicode'); save it as UTF-8")

// decodeText returns a text without a byte order mark. A file that is not UTF-8
// is an error, because visitors would see wrong characters.
func decodeText(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, errUTF16
	}
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	if bytes.IndexByte(data, 0) >= 0 { // UTF-16 without a mark has a zero byte for each Latin letter
		return nil, errUTF16
	}
	line := 1
	for text := range bytes.Lines(data) {
		if !utf8.Valid(text) {
			return nil, fmt.Errorf("line %d is not UTF-8 (GBK, perhaps); save the file as UTF-8", line)
		}
		line++
	}
	return data, nil
}
