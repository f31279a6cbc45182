package wechat

import (
	"net/netip"
	"strings"
)

// refusedAddress returns the gateway's address from an errmsg such as "invalid
// ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist", or "". It returns only a
// valid address, because the operator copies it into a form.
func refusedAddress(code int, message string) string {
	switch code {
	case 40164, 61004, 60020, 89501, 89503, 89506, 89507:
	default:
		return ""
	}
	for _, word := range strings.FieldsFunc(message, notAddressRune) {
		if address, err := netip.ParseAddr(strings.TrimRight(word, ".")); err == nil {
			return address.Unmap().String()
		}
	}
	return ""
}

// notAddressRune reports whether r cannot be part of an IP address.
func notAddressRune(r rune) bool {
	return !strings.ContainsRune("0123456789abcdefABCDEF.:", r)
}
