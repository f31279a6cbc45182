package cookies

import (
	"net/http"
	"strconv"
)

// MaxForeign is the highest count.
const MaxForeign = 3

// ForeignCount is the content of the cookie Foreign. Unlike other counts it is
// not authenticated, because gateways with different keys must read each
// other's. It can only turn a redirect into a page, and only for a browser
// whose session or sign-in no key here opens.
type ForeignCount struct {
	N int8
	// Away says that a sign-in was counted when it began, and has not come
	// back. A sign-in that was abandoned at WeChat and begun again is not
	// counted twice.
	Away bool
}

// ReadForeign reads the count: one digit, the smallest of several cookies.
func ReadForeign(r *http.Request, s Scope) ForeignCount {
	digit, found := 0, false
	for _, value := range Foreign.Values(r, s) {
		if n, ok := countDigit(value); ok && (!found || n < digit) {
			digit, found = n, true
		}
	}
	return ForeignCount{int8(min(digit/2, MaxForeign)), digit%2 == 1}
}

// Digit returns the cookie's value.
func (c ForeignCount) Digit() string {
	digit := 2 * int(c.N)
	if c.Away {
		digit++
	}
	return strconv.Itoa(digit)
}
