package request

import "strings"

// Device is what a browser claims to be, as positions in two tables, counted
// from one; zero is unknown. No text of the client gets onto a page or into a
// log.
type Device struct{ System, Program byte }

// sign is the mark of a system or a browser in a User-Agent, in lower case.
type sign struct{ sign, Name, Word string }

// The tables, in the order in which they must be tried. Positions may change in
// a new version: scan codes that contain them live for two minutes.
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

// DetectDevice reads a User-Agent.
func DetectDevice(userAgent string) Device {
	lower := strings.ToLower(userAgent[:min(len(userAgent), MaxUserAgent)])
	return Device{System: place(deviceSystems, lower), Program: place(devicePrograms, lower)}
}

func place(table []sign, lower string) byte {
	for i, s := range table {
		if strings.Contains(lower, s.sign) {
			return byte(i + 1)
		}
	}
	return 0
}

// at returns the sign at a position, the zero sign if there is none.
func at(table []sign, place byte) sign {
	if place == 0 || int(place) > len(table) {
		return sign{}
	}
	return table[place-1]
}

// Name returns the device's name for pages: "Windows · Chrome", "" if unknown.
func (d Device) Name() string {
	return strings.Trim(at(deviceSystems, d.System).Name+" · "+at(devicePrograms, d.Program).Name, " ·")
}

// Word returns the device's name for logs: windows_chrome; other if unknown.
func (d Device) Word() string {
	word := strings.Trim(at(deviceSystems, d.System).Word+"_"+at(devicePrograms, d.Program).Word, "_")
	if word == "" {
		return "other"
	}
	return word
}
