package cookies

import (
	"net/http"
	"strconv"
)

// MaxForeign is where the count ends.
const MaxForeign = 3

// ForeignCount is what the cookie says. It has no code of ours, as other counts
// have: gateways with different keys must read each other's. It is the browser's,
// and only chooses a page over a redirect, for a browser that also brings a session
// or a sign-in which no key here opens.
type ForeignCount struct {
	N int8
	// Away: a sign-in was counted when it began, and has not come back. One that
	// was left on WeChat's side, and begun again, is not counted twice.
	Away bool
}

// ReadForeign reads the count: one digit, of several the smallest.
func ReadForeign(r *http.Request, s Scope) ForeignCount {
	digit, found := 0, false
	for _, value := range Foreign.Values(r, s) {
		if n, ok := countDigit(value); ok && (!found || n < digit) {
			digit, found = n, true
		}
	}
	return ForeignCount{int8(min(digit/2, MaxForeign)), digit%2 == 1}
}

// Digit is what the cookie holds.
func (c ForeignCount) Digit() string {
	digit := 2 * int(c.N)
	if c.Away {
		digit++
	}
	return strconv.Itoa(digit)
}
