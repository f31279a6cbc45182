package wechat

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults of a Client.
const (
	defaultOpenURL        = "https://open.weixin.qq.com"
	defaultAPIURL         = "https://api.weixin.qq.com"
	defaultConnectTimeout = 3 * time.Second
	defaultTimeout        = 5 * time.Second
)

// Client calls WeChat. The zero value is ready for use and calls the real
// hosts. Set its fields before the first call and do not change them
// afterwards. A Client is safe for concurrent use and must not be copied. It
// uses the proxy of HTTPS_PROXY or HTTP_PROXY and never follows redirects.
type Client struct {
	// OpenURL is where browsers are sent to; https://open.weixin.qq.com when
	// empty.
	OpenURL string
	// APIURL is where the calls go; https://api.weixin.qq.com when empty. It
	// may have a path, but no user, query or fragment.
	APIURL string
	// ConnectTimeout bounds the connection, and again its TLS handshake; 3 s
	// when 0.
	ConnectTimeout time.Duration
	// Timeout bounds one request, from the first packet to the last byte of the
	// answer; 5 s when 0. A call that finds WeChat busy sends up to three,
	// within a second of pauses; its context bounds them all.
	Timeout time.Duration
	// RootCAs are the certificate authorities to trust; the system's when nil.
	// Verification cannot be switched off.
	RootCAs *x509.CertPool
	// Observe, if set, is called before each request. The request gets the
	// returned context, and done is called once with one of [Results] when the
	// request has ended. Neither may block.
	Observe func(ctx context.Context, r Request) (_ context.Context, done func(result string))

	// dial replaces the network in tests.
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	once       sync.Once
	singleUse  *http.Transport // each connection carries one request
	persistent *http.Transport // connections are kept and used again

	last atomic.Pointer[LastCall] // nil before the first call
}

// CloseIdle closes idle connections. The client can still be used.
func (c *Client) CloseIdle() {
	c.transport(true).CloseIdleConnections()
	c.transport(false).CloseIdleConnections()
}

// base returns address, or fallback when it is empty, without a slash at its
// end.
func base(address, fallback string) string {
	if address == "" {
		return fallback
	}
	return strings.TrimRight(address, "/")
}

// orDefault returns d, or fallback when d is not positive.
func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}
