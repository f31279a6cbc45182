package scan

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// A browser outside WeChat shows a QR code and a number. A phone opens the code
// in WeChat, signs in there as usual, sees which browser asks, and picks the
// number. Then the browser that shows the code, and only that one, is signed in
// as the phone's holder. docs/scan.md says which attacks this prevents, and
// which not.
//
// The server stores nothing until a phone answers: the sealed code contains the
// question, the browser has two cookies, and a digest of their secrets is in
// the code.
const (
	codeVersion  = 1                  // of the binary form
	digestLength = cookies.MinBinding // bytes
	minCode      = 1 + digestLength + 4 + 2 + 2 + 1 + 1
	purposeCode  = "scan"
)

// errNoCode reports a text that is not a code of this site.
var errNoCode = errors.New("scan: no such scan")

// Code is the question in a QR code. It does not contain the return address,
// which the phone does not need.
type Code struct {
	Digest  [digestLength]byte // of the browser's cookie value and a secret of the browser
	Begun   time.Time          // whole seconds
	Number  int                // three digits, shown beside the code
	Device  request.Device
	Network netip.Prefix // the browser's network, masked so that it does not identify one client
	Need    wechat.Scope
}

// NewCode returns a new code for a browser, and the value of its cookie.
func NewCode(userAgent string, addr netip.Addr, need wechat.Scope, secret string) (c Code, value string) {
	value = rand.Text()
	digest := cookies.Scan.Bind(value, secret)
	n, err := rand.Int(rand.Reader, big.NewInt(900))
	if err != nil {
		n = new(big.Int) // never: crypto/rand does not fail
	}
	return Code{
		Digest: [digestLength]byte(digest[:]), Begun: time.Now().Truncate(time.Second), Number: 100 + int(n.Int64()),
		Device: request.DetectDevice(userAgent), Network: request.MaskAddr(addr), Need: need,
	}, value
}

// idEncoding encodes the ids of codes.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ID returns the code's id. It is not secret.
func (c Code) ID() string { return idEncoding.EncodeToString(c.Digest[:]) }

// Name names the sign-in by this code in the log: the beginning of its id.
func (c Code) Name() string { return c.ID()[:8] }

// Left returns how long the code is still valid.
func (c Code) Left() time.Duration { return time.Until(c.Begun.Add(cookies.ScanLife)) }

// Expired reports whether the code has expired or is from the future.
func (c Code) Expired() bool {
	left := c.Left()
	return left <= 0 || left > cookies.ScanLife+session.MaxSkew
}

// Numbers returns the choices for the phone: the right number and two others.
// They are the same each time; otherwise a second look would show which one
// stays.
func (c Code) Numbers() []string {
	sum := sha256.Sum256(append([]byte("wechat scan numbers "), c.Digest[:]...))
	all := []int{c.Number}
	for i := 0; len(all) < 3; i += 2 {
		n := 100 + int(binary.BigEndian.Uint16(sum[i%30:])+uint16(i))%900
		if n != all[0] && n != all[len(all)-1] {
			all = append(all, n)
		}
	}
	at := int(sum[31]) % len(all)
	all[0], all[at] = all[at], all[0]
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = strconv.Itoa(n)
	}
	return texts
}

// encode returns the binary form: the code must be small enough to be scanned
// from a screen.
func (c Code) encode() []byte {
	b := append(make([]byte, 0, minCode+6), codeVersion)
	b = append(b, c.Digest[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(c.Begun.Unix())) // until 2106
	b = binary.BigEndian.AppendUint16(b, uint16(c.Number))
	b = append(b, c.Device.System, c.Device.Program, 0)
	if c.Need == wechat.ScopeUserInfo {
		b[len(b)-1] = 1
	}
	switch addr := c.Network.Addr(); {
	case addr.Is4():
		four := addr.As4()
		return append(append(b, 4), four[:3]...)
	case addr.Is6():
		sixteen := addr.As16()
		return append(append(b, 6), sixteen[:6]...)
	default:
		return append(b, 0)
	}
}

// decode reads only what encode wrote.
func decode(b []byte) (c Code, ok bool) {
	if len(b) < minCode || b[0] != codeVersion {
		return Code{}, false
	}
	copy(c.Digest[:], b[1:])
	rest := b[1+digestLength:]
	c.Begun = time.Unix(int64(binary.BigEndian.Uint32(rest)), 0)
	c.Number = int(binary.BigEndian.Uint16(rest[4:]))
	c.Device = request.Device{System: rest[6], Program: rest[7]}
	need, family, network := rest[8], rest[9], rest[10:]
	c.Need = wechat.ScopeBase
	if need == 1 {
		c.Need = wechat.ScopeUserInfo
	}
	switch {
	case c.Number < 100 || c.Number > 999 || need > 1:
		return Code{}, false
	case family == 0 && len(network) == 0:
	case family == 4 && len(network) == 3:
		c.Network = netip.PrefixFrom(netip.AddrFrom4([4]byte{network[0], network[1], network[2]}), 24)
	case family == 6 && len(network) == 6:
		var all [16]byte
		copy(all[:], network)
		c.Network = netip.PrefixFrom(netip.AddrFrom16(all), 48)
	default:
		return Code{}, false
	}
	return c, true
}

// Seal returns the text of a code, bound to a site and its official account.
func (c Code) Seal(keys *session.Ring, bound string) (string, error) {
	sealed, err := keys.Seal(purposeCode, bound, c.encode())
	if err != nil {
		return "", fmt.Errorf("scan: seal code: %w", err)
	}
	return sealed, nil
}

// OpenCode reads the text of a code. It also opens expired codes.
func OpenCode(keys *session.Ring, bound, sealed string) (Code, error) {
	plain, err := keys.Open(purposeCode, bound, sealed)
	if err != nil {
		return Code{}, fmt.Errorf("%w: %w", errNoCode, err)
	}
	c, ok := decode(plain)
	if !ok {
		return Code{}, errNoCode
	}
	return c, nil
}
