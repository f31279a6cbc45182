package cookies

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// A counting cookie says how often something has happened to this browser; the
// server stores nothing. On plain http a sibling host can plant cookies
// (attack: `wechat-landed=3`, after which the visitor sees only a page about
// cookies). So a count is a digit with our authentication code, for one site,
// one use and one time: to plant one, an attacker must have got it from us a
// moment before.
const (
	purposeCount = "count"
	countTime    = 8 // bytes of the time before the code
	countBytes   = countTime + sha256.Size
)

// countEncoding encodes the time and the authentication code of a count.
var countEncoding = base64.RawURLEncoding.Strict()

// Counter counts in cookies of one site.
type Counter struct {
	Keys   *session.Ring
	Origin string
	Scope  Scope
}

// Set gives the browser a count. about says what is counted if it is not the
// browser itself.
func (o Counter) Set(w http.ResponseWriter, c Cookie, about string, n int, life time.Duration) {
	raw := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(life).Unix()))
	raw = append(raw, o.Keys.MAC(purposeCount, o.data(c, about, n, raw))...)
	c.setFor(w, o.Scope, strconv.Itoa(n)+"."+countEncoding.EncodeToString(raw), life)
}

// Read returns the count in the cookie, 0 if there is none. Of several it
// returns the smallest: a planted cookie must not raise the count.
func (o Counter) Read(r *http.Request, c Cookie, about string) int {
	smallest, found := 0, false
	for _, value := range c.Values(r, o.Scope) {
		if n, ok := o.open(c, about, value); ok && (!found || n < smallest) {
			smallest, found = n, true
		}
	}
	return smallest
}

// open reads one cookie value.
func (o Counter) open(c Cookie, about, value string) (int, bool) {
	digit, code, _ := strings.Cut(value, ".")
	n, ok := countDigit(digit)
	if !ok || len(code) != countEncoding.EncodedLen(countBytes) {
		return 0, false
	}
	raw, err := countEncoding.DecodeString(code)
	if err != nil || len(raw) != countBytes {
		return 0, false
	}
	until := time.Unix(int64(binary.BigEndian.Uint64(raw)), 0)
	if !time.Now().Before(until) {
		return 0, false // this check is cheaper than the authentication code
	}
	return n, o.Keys.VerifyMAC(purposeCount, o.data(c, about, n, raw[:countTime]), raw[countTime:])
}

// data returns what the authentication code of a count covers.
func (o Counter) data(c Cookie, about string, n int, until []byte) string {
	return strings.Join([]string{sideCookies[c].base, o.Origin, about, strconv.Itoa(n), string(until)}, "|")
}

// countDigit reads the one digit of a count.
func countDigit(s string) (int, bool) {
	if len(s) != 1 || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	return int(s[0] - '0'), true
}
