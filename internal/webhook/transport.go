package webhook

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// Limits of one connection.
const (
	connectTimeout = 5 * time.Second
	idleTimeout    = 90 * time.Second // until a kept connection is closed
	maxHeaderBytes = 32 << 10         // of one answer
)

var errPublic = errors.New("http:// is for loopback and private addresses; use https://")

// client makes the client that posts to one target.
func (s *Sender) client() *http.Client {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: connectTimeout}
	if s.URL.Scheme == "http" {
		dialer.Control = privateOnly
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the operator did not configure the new address (attack: SSRF)
		Transport: &http.Transport{
			Proxy:                  proxy(s.URL),
			DialContext:            dialer.DialContext,
			Protocols:              &protocols,
			TLSHandshakeTimeout:    connectTimeout,
			MaxIdleConns:           parallel,
			MaxIdleConnsPerHost:    parallel,
			MaxConnsPerHost:        parallel,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			DisableCompression:     true, // 64 KiB stay 64 KiB (attack: decompression bomb)
			TLSClientConfig:        &tls.Config{RootCAs: s.RootCAs, MinVersion: tls.VersionTLS12},
		},
	}
}

// CheckURL returns an error for an address that is never used: http:// to a
// public address.
func CheckURL(u *url.URL) error {
	if at, err := netip.ParseAddr(u.Hostname()); err == nil && u.Scheme == "http" && !private(at) {
		return errPublic
	}
	return nil
}

// privateOnly refuses a connection that would send openids unencrypted over the
// internet. It checks the address of the connection itself, so that a name that
// changes its address does not get around it (attack: DNS rebinding).
func privateOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !private(at.Addr()) {
		return errPublic
	}
	return nil
}

func private(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
}

// proxy returns the environment's proxy function for a target; nil if no proxy
// is used.
func proxy(target *url.URL) func(*http.Request) (*url.URL, error) {
	if target.Scheme != "https" || internal(target.Hostname()) {
		return nil
	}
	find := httpproxy.FromEnvironment().ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return find(r.URL) }
}

// internal reports whether a host's name is one of the operator's own network.
// It does not use DNS.
func internal(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return private(a)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(host, ".") {
		return true
	}
	for _, suffix := range []string{".localhost", ".local", ".internal", ".intranet", ".lan", ".corp", ".home", ".home.arpa", ".private"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
