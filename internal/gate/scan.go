package gate

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

// A browser outside WeChat shows a QR code and a number. A phone opens the code in
// WeChat, signs in there as usual, sees which browser asks, and picks the number.
// Then the browser, and only the one that shows the code, is signed in as the
// phone's holder. docs/scan.md says what that is safe against, and what not.
//
// Until a phone answers nothing is kept: the code holds the question, sealed, and
// the browser two cookies, of whose secrets a digest is in it.
const (
	scanWaitPath = request.ScanPath + "wait/" // and the code's id: for the browser that waits
	scanVersion  = 1                          // of the binary form
	scanDigest   = cookies.MinBinding         // bytes
	minScanCode  = 1 + scanDigest + 4 + 2 + 2 + 1 + 1
	purposeScan  = "scan"
)

// errScan says that a text is no code of ours, or none for here and now.
var errScan = errors.New("gate: no such scan")

// scanCode is the question in a QR code. The address to return to is not in it: the
// phone has no use for it.
type scanCode struct {
	digest  [scanDigest]byte // of the value in the browser's cookie and a secret of the browser
	begun   time.Time        // whole seconds
	number  int              // three digits, shown beside the code
	device  request.Device
	network netip.Prefix // the browser's, without the part that tells neighbours apart
	need    wechat.Scope
}

// newScanCode draws a question for a browser, and the value of its cookie.
func newScanCode(userAgent string, addr netip.Addr, need wechat.Scope, secret string) (c scanCode, value string) {
	value = rand.Text()
	digest := cookies.Scan.Bind(value, secret)
	n, err := rand.Int(rand.Reader, big.NewInt(900))
	if err != nil {
		n = new(big.Int) // never: crypto/rand does not fail
	}
	return scanCode{
		digest: [scanDigest]byte(digest[:]), begun: time.Now().Truncate(time.Second), number: 100 + int(n.Int64()),
		device: request.DetectDevice(userAgent), network: request.MaskAddr(addr), need: need,
	}, value
}

// scanEncoding writes the ids of codes.
var scanEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// id names the question. It is no secret.
func (c scanCode) id() string { return scanEncoding.EncodeToString(c.digest[:]) }

// left is how long the code is good.
func (c scanCode) left() time.Duration { return time.Until(c.begun.Add(cookies.ScanLife)) }

// expired reports a code that is over, or from the future.
func (c scanCode) expired() bool {
	left := c.left()
	return left <= 0 || left > cookies.ScanLife+session.MaxSkew
}

// numbers are what the phone chooses from: the right one and two others. They are
// the same at each look, or a second one would show which of them stays.
func (c scanCode) numbers() []string {
	sum := sha256.Sum256(append([]byte("wechat scan numbers "), c.digest[:]...))
	all := []int{c.number}
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

// encode is the binary form: the code must be small enough to be read from a screen.
func (c scanCode) encode() []byte {
	b := append(make([]byte, 0, minScanCode+6), scanVersion)
	b = append(b, c.digest[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(c.begun.Unix())) // until 2106
	b = binary.BigEndian.AppendUint16(b, uint16(c.number))
	b = append(b, c.device.System, c.device.Program, 0)
	if c.need == wechat.ScopeUserInfo {
		b[len(b)-1] = 1
	}
	switch addr := c.network.Addr(); {
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

// decodeScan reads what encode wrote, and nothing else.
func decodeScan(b []byte) (c scanCode, ok bool) {
	if len(b) < minScanCode || b[0] != scanVersion {
		return scanCode{}, false
	}
	copy(c.digest[:], b[1:])
	rest := b[1+scanDigest:]
	c.begun = time.Unix(int64(binary.BigEndian.Uint32(rest)), 0)
	c.number = int(binary.BigEndian.Uint16(rest[4:]))
	c.device = request.Device{System: rest[6], Program: rest[7]}
	need, family, network := rest[8], rest[9], rest[10:]
	c.need = wechat.ScopeBase
	if need == 1 {
		c.need = wechat.ScopeUserInfo
	}
	switch {
	case c.number < 100 || c.number > 999 || need > 1:
		return scanCode{}, false
	case family == 0 && len(network) == 0:
	case family == 4 && len(network) == 3:
		c.network = netip.PrefixFrom(netip.AddrFrom4([4]byte{network[0], network[1], network[2]}), 24)
	case family == 6 && len(network) == 6:
		var all [16]byte
		copy(all[:], network)
		c.network = netip.PrefixFrom(netip.AddrFrom16(all), 48)
	default:
		return scanCode{}, false
	}
	return c, true
}

// sealScan returns the text of a code, for this site and its official account.
func (g *Gate) sealScan(r *Request, c scanCode) (string, error) {
	sealed, err := g.Hub.Keys.Seal(purposeScan, g.sealer(r).bound, c.encode())
	if err != nil {
		return "", fmt.Errorf("gate: seal scan: %w", err)
	}
	return sealed, nil
}

// openScan reads the text of a code. One whose time is over still opens.
func (g *Gate) openScan(r *Request, sealed string) (scanCode, error) {
	plain, err := g.Hub.Keys.Open(purposeScan, g.sealer(r).bound, sealed)
	if err != nil {
		return scanCode{}, fmt.Errorf("%w: %w", errScan, err)
	}
	c, ok := decodeScan(plain)
	if !ok {
		return scanCode{}, errScan
	}
	return c, nil
}
