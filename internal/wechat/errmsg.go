package wechat

import (
	"strings"
)

// Limits of an errmsg.
const (
	maxMessage = 256 // runes
	maxRID     = 64  // bytes
)

// cleanMessage prepares a text from outside for the log: it removes control
// characters and secrets, and cuts it to 256 runes; rid is the request id at
// its end. Control characters are removed first, because they could split a
// secret and hide it from the search. The text is cut last, because half a
// secret would not be recognised.
func cleanMessage(text string, secrets []Secret) (message, rid string) {
	text = plainText(text, len(text))
	message, rid = splitRID(redact(text, secrets))
	return plainText(message, maxMessage), rid
}

// splitRID cuts the request ids off the end of an errmsg, in one of two forms:
// "invalid code, rid: 62fb9bc8-078c24da-4202f278" (the comma may be missing)
// and "invalid code, hints: [ req_id: plAv90053th21 ]".
func splitRID(text string) (message, rid string) {
	message = text
	for range 2 { // both forms may occur together
		head, tail, ok := cutTail(message)
		if !ok {
			break
		}
		message = strings.TrimRight(head, ", ")
		if rid == "" && len(tail) <= maxRID && tail != "" && !strings.ContainsFunc(tail, notIDRune) {
			rid = tail
		}
	}
	return message, rid
}

// cutTail splits text before the request id at its end, if there is one.
func cutTail(text string) (head, id string, ok bool) {
	if i := strings.LastIndex(text, "rid:"); i == 0 || i > 0 && strings.ContainsRune(" ,", rune(text[i-1])) {
		if id = strings.TrimSpace(text[i+len("rid:"):]); !strings.Contains(id, " ") {
			return text[:i], id, true
		}
	}
	if i := strings.LastIndex(text, "hints:"); i >= 0 {
		_, id, ok = strings.Cut(text[i:], "req_id:")
		if id = strings.Trim(id, " ]"); ok && !strings.Contains(id, " ") {
			return text[:i], id, true
		}
	}
	return "", "", false
}
