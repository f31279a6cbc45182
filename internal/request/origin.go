package request

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Origin returns the public origin of the site of r: the configured one, or
// else one from the Host and whether TLS ends here. It ignores X-Forwarded-*
// (attacks: CVE-2024-21499, spoofed hosts in redirects).
func Origin(configured string, r *http.Request) (string, bool) {
	if configured != "" {
		return configured, true
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	host, ok := canonicalHost(r.Host, scheme)
	return scheme + "://" + host, ok
}

// CanonicalOrigin checks an origin from the configuration: it must be a scheme
// and a host, nothing else.
func CanonicalOrigin(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil ||
		strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return "", false
	}
	host, ok := canonicalHost(u.Host, u.Scheme)
	return u.Scheme + "://" + host, ok
}

// canonicalHost lower-cases host and drops the scheme's default port. It
// accepts only a plain host name or address, since the host becomes part of an
// address that visitors are redirected to.
func canonicalHost(host, scheme string) (string, bool) {
	if host == "" || len(host) > 260 {
		return "", false
	}
	name, port, hasPort := CutPort(strings.ToLower(host))
	if !isHostName(name) || hasPort && !isPort(port) {
		return "", false
	}
	if !hasPort || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return name, true
	}
	return name + ":" + port, true
}

// CutPort splits a host from its port; ok is false if there is no port.
func CutPort(host string) (name, port string, ok bool) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return host, "", false
	}
	return host[:i], host[i+1:], true
}

func isPort(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 5
}

func isHostName(s string) bool {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return closed && err == nil && addr.Is6() && addr.Zone() == ""
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return len(s) > 0 && strings.Trim(s, ".") != ""
}
