package wechat

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// Limits of the transports.
const (
	maxHeaderBytes = 32 << 10         // per answer
	maxIdleConns   = 16               // kept for later calls
	idleTimeout    = 30 * time.Second // until an idle connection is closed
)

// transport returns the transport for calls that must not be repeated, or the
// one for calls that may be.
func (c *Client) transport(single bool) *http.Transport {
	c.once.Do(func() {
		c.singleUse, c.persistent = c.newTransport(), c.newTransport()
		// net/http repeats a GET when a reused connection breaks, even after
		// WeChat has read it: the code would be spent twice and the visitor
		// would get 40163. It does not do so on a new connection.
		c.singleUse.DisableKeepAlives = true
	})
	if single {
		return c.singleUse
	}
	return c.persistent
}

// newTransport returns a transport that speaks HTTP/1.1 only: HTTP/2 has replay
// rules of its own.
func (c *Client) newTransport() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            c.connect,
		Protocols:              &protocols,
		TLSHandshakeTimeout:    orDefault(c.ConnectTimeout, defaultConnectTimeout),
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConns,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // 64 KiB stay 64 KiB (attack: decompression bomb)
		TLSClientConfig: &tls.Config{
			RootCAs:            c.RootCAs,
			MinVersion:         tls.VersionTLS12,
			ClientSessionCache: tls.NewLRUClientSessionCache(0), // halves the handshake of a new connection
		},
	}
}

// connect opens a connection within ConnectTimeout.
func (c *Client) connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, orDefault(c.ConnectTimeout, defaultConnectTimeout))
	defer cancel()
	if c.dial != nil {
		return c.dial(ctx, network, address)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, address)
}
