package wechattest

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// other serves what is not WeChat's: the control page, its forms, avatars.
func (s *Server) other(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/sns/") || strings.HasPrefix(path, "/cgi-bin/") || strings.HasPrefix(path, "/wxa/"):
		e := endpoint{name: "unknown"}
		writeText(w, e, s.body(e, failed("", 40066)))
	case strings.HasPrefix(path, avatarPath):
		s.avatar(w, r)
	case path != "/" && !strings.HasPrefix(path, actionPath):
		http.NotFound(w, r)
	case !s.controlHost(r.Host):
		// A page of any site could make its own name point to this address (DNS
		// rebinding), and then read and write here as "same origin".
		http.Error(w, "the control page is for localhost only", http.StatusMisdirectedRequest)
	case strings.HasPrefix(path, wxPath):
		s.wx(w, r)
	case path != "/":
		s.act(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	default:
		s.controlPage(w, r)
	}
}

// controlHost tells whether a Host may show the control page: loopback, or one
// of Config.ControlHosts.
func (s *Server) controlHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	ip, err := netip.ParseAddr(host)
	isIP := err == nil
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || isIP && ip.Unmap().IsLoopback() ||
		slices.Contains(s.config.ControlHosts, host) || isIP && slices.Contains(s.config.ControlHosts, "*")
}
