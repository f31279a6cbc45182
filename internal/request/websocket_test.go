package request

import (
	"net/http"
	"testing"
)

func TestIsWebSocket(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method string
		header       http.Header
		want         bool
	}{
		{"a page", http.MethodGet, http.Header{"Accept": {"text/html"}}, false},
		{"a form", http.MethodPost, http.Header{"Origin": {"https://evil.example"}}, false},
		{"HTTP/2 over plain text", http.MethodGet, http.Header{"Upgrade": {"h2c"}}, false},
		{"a handshake", http.MethodGet, http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}}, true},
		{"in capitals", http.MethodGet, http.Header{"Upgrade": {"WebSocket"}}, true},
		{"in a list", http.MethodGet, http.Header{"Upgrade": {"h2c, websocket/13"}}, true},
		{"on a second line", http.MethodGet, http.Header{"Upgrade": {"h2c", "websocket"}}, true},
		{"behind a proxy that asks", http.MethodGet, http.Header{"Sec-Websocket-Version": {"13"}}, true},
		{"over HTTP/2", http.MethodConnect, http.Header{":protocol": {"websocket"}}, true},
		{"over HTTP/3", http.MethodConnect, http.Header{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := IsWebSocket(&http.Request{Method: c.method, Header: c.header}); got != c.want {
				t.Errorf("%s %v: %v, want %v", c.method, c.header, got, c.want)
			}
		})
	}
}
