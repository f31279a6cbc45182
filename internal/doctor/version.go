package doctor

import (
	"context"
	"regexp"
	"strconv"
	"strings"
)

// leastCaddy is the oldest Caddy that the gateway supports.
var leastCaddy = [3]int{2, 11, 9}

var semver = regexp.MustCompile(`^v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})`)

// parseVersion reads the three numbers of a version.
func parseVersion(text string) (version [3]int, ok bool) {
	m := semver.FindStringSubmatch(text)
	if m == nil {
		return version, false
	}
	for i := range version {
		version[i], _ = strconv.Atoi(m[i+1]) // at most four digits
	}
	return version, true
}

// older reports whether a version is older than another.
func older(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// versions says which versions this program has.
func (v *visit) versions(context.Context) {
	version, ok := parseVersion(v.Caddy)
	switch {
	case !ok:
		v.find("versions", "", Unknown, "version", text("不知道 Caddy 的版本", "the version of Caddy is not known"))
	case older(version, leastCaddy):
		v.find("versions", "", Failure, "version", text("Caddy %s 太旧", "Caddy %s is too old", v.Caddy))
	default:
		v.pass("versions", "", text("网关 %s，Caddy %s", "gateway %s, Caddy %s", named(v.Version), v.Caddy))
	}
}

// sameVersion compares the running server with this program.
func (v *visit) sameVersion(running Running) {
	_, known := parseVersion(running.Caddy)
	same := running.Version == v.Version || unversioned(running.Version) && unversioned(v.Version)
	if same && (running.Caddy == v.Caddy || !known) {
		return
	}
	v.find("versions", "", Warning, "version", text(
		"运行中的是网关 %s、Caddy %s，这个程序是网关 %s、Caddy %s", "gateway %s with Caddy %s runs, and this program is gateway %s with Caddy %s",
		named(running.Version), named(running.Caddy), named(v.Version), v.Caddy))
}

// unversioned reports whether a build knows no version: it is named by its bytes,
// which differ between machines, or "" by older gateways.
func unversioned(version string) bool {
	return version == "" || strings.HasPrefix(version, "build-")
}

// named returns a version for a sentence, at most 64 bytes of it: a server, or
// another program in Redis, may have written it.
func named(version string) string {
	if version == "" {
		return "(devel)"
	}
	if len(version) > 64 || !versionForm.MatchString(version) {
		return "?"
	}
	return version
}

var versionForm = regexp.MustCompile(`^[A-Za-z0-9.+_()-]+$`)
