package gate

import (
	"net"
	"net/netip"
	"strings"
)

// device is what a browser claims to be, as places in two tables, counted from one;
// zero is unknown. Nothing that was sent gets onto a page or into a log.
type device struct{ system, program byte }

// sign is the tell-tale of a system or a browser in a User-Agent, in small letters.
type sign struct{ sign, name, word string }

// The tables, in the order in which they must be tried. A code in which a place
// travels lives for two minutes.
var (
	deviceSystems = []sign{
		{"openharmony", "HarmonyOS", "ohos"},
		{"harmonyos", "HarmonyOS", "ohos"},
		{"windows", "Windows", "windows"},
		{"android", "Android", "android"},
		{"iphone", "iPhone", "ios"},
		{"ipad", "iPad", "ios"},
		{"cros", "ChromeOS", "chromeos"},
		{"macintosh", "macOS", "mac"},
		{"linux", "Linux", "linux"},
	}
	devicePrograms = []sign{
		{"wxwork/", "WeCom", "wecom"},
		{"dingtalk", "DingTalk", "dingtalk"},
		{"qqbrowser", "QQ Browser", "qqbrowser"},
		{"ucbrowser", "UC Browser", "ucbrowser"},
		{"edg", "Edge", "edge"},
		{"opr/", "Opera", "opera"},
		{"samsungbrowser", "Samsung Internet", "samsung"},
		{"firefox/", "Firefox", "firefox"},
		{"fxios/", "Firefox", "firefox"},
		{"crios/", "Chrome", "chrome"},
		{"chrome/", "Chrome", "chrome"},
		{"safari/", "Safari", "safari"},
	}
)

// detectDevice reads a User-Agent.
func detectDevice(userAgent string) device {
	lower := strings.ToLower(userAgent[:min(len(userAgent), maxUserAgent)])
	return device{system: place(deviceSystems, lower), program: place(devicePrograms, lower)}
}

func place(table []sign, lower string) byte {
	for i, s := range table {
		if strings.Contains(lower, s.sign) {
			return byte(i + 1)
		}
	}
	return 0
}

// at returns the sign at a place, the zero one if there is none.
func at(table []sign, place byte) sign {
	if place == 0 || int(place) > len(table) {
		return sign{}
	}
	return table[place-1]
}

// name is the device as people know it: "Windows · Chrome", "" if unknown.
func (d device) name() string {
	return strings.Trim(at(deviceSystems, d.system).name+" · "+at(devicePrograms, d.program).name, " ·")
}

// word is the device for logs: windows_chrome; other if unknown.
func (d device) word() string {
	word := strings.Trim(at(deviceSystems, d.system).word+"_"+at(devicePrograms, d.program).word, "_")
	if word == "" {
		return "other"
	}
	return word
}

// clientAddr is the visitor's address, the zero one if it is not known.
func (r *Request) clientAddr() netip.Addr {
	text := r.ClientIP
	if text == "" {
		text = r.RemoteAddr
	}
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// maskAddr keeps of an address what tells roughly where it is.
func maskAddr(addr netip.Addr) netip.Prefix {
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// networkName is a masked address as people read it: 203.0.113.x or 2001:db8:1::x.
func networkName(p netip.Prefix) string {
	switch addr := p.Addr(); {
	case addr.Is4():
		return strings.TrimSuffix(addr.String(), "0") + "x"
	case addr.Is6():
		return addr.String() + "x"
	default:
		return ""
	}
}
