package test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// slowBody sends half of a body, and no more until it is closed.
type slowBody struct {
	head io.Reader
	ctx  context.Context
	end  context.CancelFunc
}

func newSlowBody(ctx context.Context) *slowBody {
	ctx, end := context.WithCancel(ctx)
	return &slowBody{strings.NewReader(`{"code":"`), ctx, end}
}

func (b *slowBody) Read(p []byte) (int, error) {
	if n, err := b.head.Read(p); err == nil {
		return n, nil
	}
	<-b.ctx.Done()
	return 0, io.ErrUnexpectedEOF
}

func (b *slowBody) Close() error {
	b.end()
	return nil
}

// Attack: clients that never send their bodies to the end hold a connection
// each. Over each protocol the gateway is rid of all of them after its
// deadline, whether it wants the body or not; clients that were in time keep
// their connections.
func TestAttackSlowBodiesAreGoneOverHTTPS(t *testing.T) {
	t.Setenv("PUSH_TOKEN", "tokenOfTheTest1")
	d := newDoorWorld(t, doorOptions{secure: true, official: "push_token {env.PUSH_TOKEN}"})
	config := d.trust()
	one := func() *http.Transport {
		return &http.Transport{TLSClientConfig: config.Clone(), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	}
	h1, h2, quick := one(), &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true}, one()
	h3 := &http3.Transport{TLSClientConfig: http3.ConfigureTLSConfig(config.Clone())}
	t.Cleanup(func() {
		h1.CloseIdleConnections()
		h2.CloseIdleConnections()
		quick.CloseIdleConnections()
		_ = h3.Close()
	})
	protocols := map[string]http.RoundTripper{"HTTP/1.1": h1, "HTTP/2.0": h2, "HTTP/3.0": h3}
	for name, transport := range map[string]http.RoundTripper{"HTTP/1.1": quick, "HTTP/2.0": h2} {
		if reused, status, err := d.inTime(transport); err != nil || status != http.StatusBadRequest || reused {
			t.Fatalf("%s: %d %v, reused %v", name, status, err, reused)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // far more than the deadline
	defer cancel()
	var all sync.WaitGroup
	for proto, transport := range protocols {
		for path, want := range map[string]int{
			miniLoginPath: http.StatusRequestTimeout, "/_wechat/mini-program/mini/ticket": http.StatusUnauthorized,
			"/_wechat/nothing": http.StatusNotFound, "/_wechat/push/default": http.StatusForbidden,
		} {
			for range 20 {
				all.Go(func() {
					status, text, err := d.slow(ctx, transport, path)
					if err != nil || status != want || want == http.StatusRequestTimeout && !strings.Contains(text, `"error":"body_timeout"`) {
						t.Errorf("%s %s: %d %s, %v", proto, path, status, text, err)
					}
				})
			}
		}
	}
	all.Wait()
	for name, transport := range map[string]http.RoundTripper{"HTTP/1.1": quick, "HTTP/2.0": h2} {
		if reused, status, err := d.inTime(transport); err != nil || status != http.StatusBadRequest || !reused {
			t.Errorf("%s afterwards: %d %v, reused %v", name, status, err, reused)
		}
	}
	d.noPanic()
}

// slow posts a body that does not end.
func (d *doorWorld) slow(ctx context.Context, transport http.RoundTripper, path string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.site+path, newSlowBody(ctx))
	if err != nil {
		return 0, "", err
	}
	r.ContentLength = 100
	r.Header.Set("Content-Type", "application/json")
	response, err := transport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.ProtoMajor == 1 && !response.Close {
		err = fmt.Errorf("the connection goes on")
	}
	return response.StatusCode, string(text), err
}

// inTime posts a whole body, and says whether its connection was there before.
func (d *doorWorld) inTime(transport http.RoundTripper) (reused bool, status int, err error) {
	ctx := httptrace.WithClientTrace(d.t.Context(), &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.site+miniLoginPath, bytes.NewReader([]byte(`{"code":"invented-code-0123456789"}`)))
	if err != nil {
		return false, 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := transport.RoundTrip(r)
	if err != nil {
		return reused, 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return reused, response.StatusCode, err
}
