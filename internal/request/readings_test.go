package request

import (
	"net/url"
	"strings"
	"testing"
)

// An address can be as long as a header, and nested as deep: that costs little.
func TestAttackReadingsAreBounded(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"long":            "/a;" + strings.Repeat("x", 1<<20),
		"nested escapes":  "/%" + strings.Repeat("25", 500) + "61",
		"many sessions":   "/" + strings.Repeat("(S(a))/", 140),
		"many scripts":    "/" + strings.Repeat("a.b/", 250),
		"everything":      strings.Repeat("/(S(a));b%20.%c0%ae%5c//%253b%c0%a5::$x/a.b", 20),
		"dot dot":         strings.Repeat("/a/..%20", 150),
		"authorities":     strings.Repeat("/", 1000) + "x",
		"a host and more": "//" + strings.Repeat("a//", 300),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.ParseRequestURI(address)
			if err != nil {
				t.Fatal(err)
			}
			r := ReadPath(u)
			if len(r.more) >= maxReadings {
				t.Errorf("%d readings", len(r.more)+1)
			}
			if r.Every(func(string) bool { return true }) == r.Doubt {
				t.Error("in doubt something holds for every reading")
			}
		})
	}
}

// However a spelling is made out of what single servers ignore, it is seen.
func FuzzReadings(f *testing.F) {
	f.Add("/account/x", []byte{0, 3, 1, 5, 2, 8, 3, 1}, "/y")
	f.Add("/(S(a))/x", []byte{9, 9, 9}, "/static/..;")
	f.Fuzz(func(t *testing.T, address string, disguises []byte, before string) {
		if u, err := url.ParseRequestURI(address); err == nil {
			if r := ReadPath(u); len(r.more) >= maxReadings || r.Any(func(p string) bool { return !strings.HasPrefix(p, "/") }) {
				t.Fatalf("%q reads as %q", address, r.more)
			}
		}
		target := "/account/x"
		if len(disguises) > 12 || len(before) > 100 {
			return
		}
		for i := 0; i+1 < len(disguises); i += 2 {
			target = disguise(target, disguises[i], int(disguises[i+1]))
		}
		for _, prefix := range []string{"", "/" + url.PathEscape(before) + "/%2e%2e"} {
			u, err := url.ParseRequestURI(prefix + target)
			if err != nil {
				t.Fatalf("%q: %v", prefix+target, err)
			}
			if !(Paths{"/account/*"}).Demands(u) {
				t.Fatalf("%q demands nothing", prefix+target)
			}
		}
	})
}

// disguise writes an address in another way that some server reads as before.
func disguise(address string, how byte, where int) string {
	segments := strings.Split(address, "/")
	segment := 1 + where%(len(segments)-1)
	at := where % len(address)
	switch how % 12 {
	case 0: // one more escape
		return strings.ReplaceAll(address, "%", "%25")
	case 1: // one byte escaped
		if inEscape(address, at) {
			return address
		}
		return address[:at] + "%" + hexByte(address[at]) + address[at+1:]
	case 2:
		segments[segment] += ";v=1"
	case 3:
		segments[segment] += "%20"
	case 4: // a dot segment would become another
		if strings.ContainsAny(segments[segment], "acountxACOUNTX") {
			segments[segment] += "."
		}
	case 5:
		segments[segment] = "(S(abc))/" + segments[segment]
	case 6:
		segments[segment] = "/" + segments[segment]
	case 7:
		segments[segment] = "y/../" + segments[segment]
	case 8: // overlong
		if c := address[at]; c >= 'a' && c <= 'z' && !inEscape(address, at) {
			return address[:at] + "%c1%" + hexByte(c&0x3f|0x80) + address[at+1:]
		}
		return address
	case 9:
		return strings.ToUpper(address)
	case 10:
		segments[segment] = "./" + segments[segment]
	case 11:
		segments[segment] += "::$DATA"
	}
	return strings.Join(segments, "/")
}

// inEscape reports whether the byte at i is part of an escape, or the first
// slash.
func inEscape(address string, i int) bool {
	return i == 0 || strings.Contains(address[max(0, i-2):i+1], "%")
}

func hexByte(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}
