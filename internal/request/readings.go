package request

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

const (
	// maxReadings bounds the readings of one path.
	maxReadings = 64
	// maxReadPath bounds, in bytes, a path whose readings are computed.
	maxReadPath = 1024
)

// Readings are the paths as which servers may read one address. A server may
// decode it again, cut path parameters (Tomcat), session ids (ASP.NET), and
// characters that Windows ignores at the end of a segment, and resolve dot
// segments before or after any of these.
type Readings struct {
	sent string   // the path as net/url decodes it
	more []string // other readings

	// Doubt says that the path may have readings that are not listed: an escape
	// in it does not decode, it has a control character, or it has too many
	// readings. No legitimate address is like that.
	Doubt bool
}

// ReadPath returns the readings of u's path. The query is ignored.
func ReadPath(u *url.URL) Readings {
	sent := u.Path
	if !strings.HasPrefix(sent, "/") {
		sent = "/" + sent
	}
	if PlainPath(u) && isSettled(sent) {
		return Readings{sent: sent} // the common case: the path has one reading
	}
	if len(sent) > maxReadPath || isUndecodable(sent) {
		return Readings{sent: sent, Doubt: true}
	}
	all := []string{sent}
	// Some servers do not treat an escaped slash as a separator.
	if raw := u.EscapedPath(); strings.HasPrefix(raw, "/") && strings.Contains(strings.ToLower(raw), "%2f") {
		all = append(all, UnescapeOnce(strings.NewReplacer("%2f", "%252F", "%2F", "%252F").Replace(raw)))
	}
	all, complete := followReadings(all)
	return Readings{sent: sent, more: all[1:], Doubt: !complete}
}

// Any reports whether f holds for at least one reading.
func (r Readings) Any(f func(path string) bool) bool {
	return f(r.sent) || slices.ContainsFunc(r.more, f)
}

// Every reports whether f holds for all readings. In doubt it returns false.
func (r Readings) Every(f func(path string) bool) bool {
	return !r.Doubt && !r.Any(func(path string) bool { return !f(path) })
}

// followReadings applies every step to every reading until there is no new one,
// so that steps combine in any order in which a server may take them.
func followReadings(all []string) (_ []string, complete bool) {
	add := func(next string) bool {
		if slices.Contains(all, next) {
			return true
		}
		if len(all) == maxReadings {
			return false
		}
		all = append(all, next)
		return true
	}
	for i := 0; i < len(all); i++ {
		for _, step := range readingSteps {
			if !add(step(all[i])) {
				return all, false
			}
		}
	}
	for _, reading := range slices.Clone(all) {
		for i := range len(reading) {
			if reading[i] != '/' || !isScript(reading[:i]) {
				continue
			}
			// A front controller uses the part after its name as the path:
			// /index.php/account/x is /account/x to the app.
			if !add(cleanPath(reading[:i])) || !add(cleanPath(reading[i:])) {
				return all, false
			}
		}
	}
	return all, true
}

// isScript reports whether p may name a file: PHP, CGI and ASP.NET also run
// /pay.php for /pay.php/x (PATH_INFO).
func isScript(p string) bool {
	name := p[strings.LastIndexByte(p, '/')+1:]
	return strings.Contains(name, ".") && strings.Trim(name, ".") != ""
}

// isSettled reports whether no step changes a plain path, and no folder in it
// may be a script.
func isSettled(plain string) bool {
	last := strings.LastIndexByte(plain, '/')
	folders, file := plain[:last], plain[last+1:]
	return !strings.Contains(folders, ".") && !strings.Contains(folders, " /") && !strings.HasSuffix(folders, " ") &&
		!strings.HasSuffix(file, ".") && !strings.HasSuffix(file, " ") &&
		!strings.Contains(plain, "/(") && !strings.Contains(plain, ":")
}

// isUndecodable reports whether p has a control character, or an escape that
// decoders read differently: %zz is some byte to those that do not check
// digits. A per cent sign at the end begins no escape (/50%25).
func isUndecodable(p string) bool {
	for range maxReadings {
		next := UnescapeOnce(p)
		if next == p {
			sign := strings.IndexByte(p, '%')
			return HasControl(p) || sign >= 0 && sign < len(p)-1
		}
		p = next
	}
	return true
}

// cleanPath resolves dot segments and double slashes. A slash at the end stays.
func cleanPath(p string) string {
	clean := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}
