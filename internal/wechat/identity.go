package wechat

import "strings"

// maxID bounds an openid or unionid, in bytes. Real ones have 28 or 29.
const maxID = 64

// parseID trims what WeChat sent as an openid or unionid (the official sample of
// a unionid has a leading blank) and reports whether it is one: 1 to 64 of
// A-Z a-z 0-9 _ and -. Identities become HTTP headers; this is where a CR or LF
// that would split such a header is stopped.
func parseID(text string) (string, bool) {
	id := strings.Trim(text, " ")
	return id, len(id) >= 1 && len(id) <= maxID && !strings.ContainsFunc(id, notIDRune)
}

// notIDRune reports whether r cannot stand in an openid, unionid or scope.
func notIDRune(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '-':
		return false
	}
	return true
}
