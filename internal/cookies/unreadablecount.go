package cookies

import (
	"net/http"
	"strconv"
)

// MaxUnreadable is the highest count.
const MaxUnreadable = 3

// UnreadableCount is the content of the cookie Unreadable. Unlike other counts
// it is not authenticated, because gateways with different keys must read each
// other's. It can only turn a redirect into a page, and only for a browser
// whose session or sign-in no key here opens.
type UnreadableCount struct {
	N int8
	// AtWeChat says that a sign-in was counted when it began, and has not come
	// back. A sign-in that was abandoned at WeChat and begun again is not
	// counted twice.
	AtWeChat bool
}

// ReadUnreadable reads the count: one digit, the smallest of several cookies.
func ReadUnreadable(r *http.Request, s Scope) UnreadableCount {
	digit, found := 0, false
	for _, value := range Unreadable.Values(r, s) {
		if n, ok := countDigit(value); ok && (!found || n < digit) {
			digit, found = n, true
		}
	}
	return UnreadableCount{int8(min(digit/2, MaxUnreadable)), digit%2 == 1}
}

// Digit returns the cookie's value.
func (c UnreadableCount) Digit() string {
	digit := 2 * int(c.N)
	if c.AtWeChat {
		digit++
	}
	return strconv.Itoa(digit)
}
