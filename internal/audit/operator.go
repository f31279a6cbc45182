package audit

import (
	"strings"
	"unicode"
)

// OperatorHeader carries the name of the operator for whom a program calls the
// admin endpoint. It is a claim: whatever reaches the endpoint can send any
// name.
const OperatorHeader = "Wechat-Operator"

// maxOperator bounds a claimed name, in characters.
const maxOperator = 64

// ClaimedOperator returns a claimed name as a record has it: marked as claimed,
// and in printable characters. No claim is no name. Attack: a long name, or one
// with line ends and control sequences, forges lines of the log.
func ClaimedOperator(name string) string {
	if name == "" {
		return ""
	}
	var short strings.Builder
	short.WriteString("claimed:")
	n := 0
	for _, r := range name { // a byte that is not UTF-8 is U+FFFD
		if n++; n > maxOperator {
			break
		}
		if !unicode.IsPrint(r) {
			r = '?'
		}
		short.WriteRune(r)
	}
	return short.String()
}
