package push

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// maxRelayAnswer bounds what a relay answers, in bytes.
	maxRelayAnswer = 1 << 20
	// maxRelaying bounds the pushes that wait for relays, and so the memory
	// that a slow relay can use.
	maxRelaying = 256
	// relayIdle is how long connections to a relay are kept for the next push.
	relayIdle = 30 * time.Second
	// maxRelayHeader bounds the header of an answer, in bytes.
	maxRelayHeader = 32 << 10
)

// relayedHeaders lists the headers that a relay gets: those that describe the
// push. Other headers are not relayed (attack: a forged identity header reaches
// the app through the gateway).
var relayedHeaders = []string{"Content-Type", "User-Agent", "Accept"}

// relay sends pushes to the operator's servers. It keeps no cookie, follows no
// redirect, and uses no proxy.
type relay struct {
	transport *http.Transport
	slots     chan struct{}
}

// relayAnswer is the relay's answer to WeChat.
type relayAnswer struct {
	contentType string
	body        []byte
}

func (l *relay) init() {
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	l.slots = make(chan struct{}, maxRelaying)
	l.transport = &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    2 * time.Second,
		MaxIdleConnsPerHost:    maxRelaying,
		IdleConnTimeout:        relayIdle,
		MaxResponseHeaderBytes: maxRelayHeader,
		DisableCompression:     true, // 1 MiB stays 1 MiB (decompression bomb)
	}
}

func (l *relay) close() { l.transport.CloseIdleConnections() }

// ask sends a push to the account's relay. It returns false if the relay did
// not answer 200 in time; WeChat is answered `success` then. If WeChat
// disconnects, the push is still relayed.
func (l *relay) ask(r *http.Request, a *Account, body []byte, deadline time.Time) (relayAnswer, bool) {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(r.Context()), deadline)
	defer cancel()
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		a.counts().RelayFail.Add(1)
		return relayAnswer{}, false
	}
	given, ok := l.exchange(ctx, r, a, body)
	if ok {
		a.counts().Relayed.Add(1)
	} else {
		a.counts().RelayFail.Add(1)
	}
	return given, ok
}

// exchange sends the push. RoundTrip follows no redirect (attack: a relay that
// sends us elsewhere) and sends a POST once.
func (l *relay) exchange(ctx context.Context, r *http.Request, a *Account, body []byte) (relayAnswer, bool) {
	request, err := http.NewRequestWithContext(ctx, r.Method, a.Relay.String(), bytes.NewReader(body))
	if err != nil {
		return relayAnswer{}, false
	}
	if request.URL.RawQuery != "" && r.URL.RawQuery != "" {
		request.URL.RawQuery += "&"
	}
	request.URL.RawQuery += r.URL.RawQuery
	request.GetBody = nil // sent once
	request.Header["User-Agent"] = []string{""}
	for _, name := range relayedHeaders {
		if values := r.Header.Values(name); len(values) > 0 {
			request.Header[name] = values[:1]
		}
	}
	response, err := l.transport.RoundTrip(request)
	if err != nil {
		return relayAnswer{}, false
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxRelayAnswer+1))
	if err != nil || len(text) > maxRelayAnswer || response.StatusCode != http.StatusOK || response.Header.Get("Content-Encoding") != "" {
		return relayAnswer{}, false
	}
	contentType := response.Header.Get("Content-Type")
	if contentType == "" {
		contentType = "text/plain; charset=utf-8"
	}
	return relayAnswer{contentType: contentType, body: text}, true
}
