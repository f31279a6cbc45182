package page

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// byteOrderMark is what some editors put before a text. In the middle of a page it
// would be a character, and turn the browser to its old ways of layout.
const byteOrderMark = "\ufeff"

var errUTF16 = errors.New("the file is UTF-16 ('Unicode'); save it as UTF-8")

// decodeText returns a text without a byte order mark. A file in any other encoding than
// UTF-8 is an error: visitors would read other characters than the operator wrote.
func decodeText(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, errUTF16
	}
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	if bytes.IndexByte(data, 0) >= 0 { // UTF-16 without a mark has one for each Latin letter
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
