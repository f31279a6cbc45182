package test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// longApp answers for as long as somebody listens: a WebSocket, an event
// stream, a download without end.
func longApp(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/socket":
		connection, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		defer connection.Close()
		for {
			message, op, err := wsutil.ReadClientData(connection)
			if err != nil || wsutil.WriteServerMessage(connection, op, message) != nil {
				return
			}
		}
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		pour(w, r, []byte("data: tick\n\n"))
	case "/download":
		w.Header().Set("Content-Length", "1073741824")
		pour(w, r, bytes.Repeat([]byte("x"), 32<<10))
	}
}

func pour(w http.ResponseWriter, r *http.Request, piece []byte) {
	control := http.NewResponseController(w)
	for r.Context().Err() == nil {
		if _, err := w.Write(piece); err != nil || control.Flush() != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// openAnswer is an answer that goes on.
type openAnswer struct {
	name   string
	closed chan struct{} // closed when it has ended
	at     time.Time     // when; read it after closed
}

// readOn reads an answer until it ends.
func readOn(name string, body io.Reader) *openAnswer {
	o := &openAnswer{name: name, closed: make(chan struct{})}
	go func() {
		defer close(o.closed)
		_, _ = io.Copy(io.Discard, body) // how it ends differs; that it does matters
		o.at = time.Now()
	}()
	return o
}

// holdOpen has a visitor open a WebSocket, an event stream and a download, and
// returns when all of them flow. dial reaches the gateway.
func (v *visitor) holdOpen(t *testing.T, site string, dial func(ctx context.Context, network, address string) (net.Conn, error)) []*openAnswer {
	t.Helper()
	address := "http://" + site + "/"
	cookie := "wechat=" + v.cookie(address, "wechat")
	var all []*openAnswer
	watch := func(name string, body io.ReadCloser) {
		t.Cleanup(func() { _ = body.Close() })
		all = append(all, readOn(name, body))
	}
	for _, name := range []string{"events", "download"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User-Agent", phoneUA)
		r.Header.Set("Cookie", cookie)
		transport := &http.Transport{DialContext: dial, DisableKeepAlives: true}
		t.Cleanup(transport.CloseIdleConnections)
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(response.Body, make([]byte, 8)); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v", name, response.Status, err)
		}
		watch(name, response.Body)
	}
	dialer := ws.Dialer{NetDial: dial, Header: ws.HandshakeHeaderHTTP{"User-Agent": {phoneUA}, "Cookie": {cookie}}}
	connection, _, _, err := dialer.Dial(t.Context(), "ws://"+site+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	if err := wsutil.WriteClientText(connection, []byte("你好")); err != nil {
		t.Fatal(err)
	}
	if echo, err := wsutil.ReadServerText(connection); err != nil || string(echo) != "你好" {
		t.Fatalf("the socket says %q, %v", echo, err)
	}
	watch("socket", connection)
	return all
}

// allOpen checks that none has ended.
func allOpen(t *testing.T, all []*openAnswer) {
	t.Helper()
	for _, o := range all {
		select {
		case <-o.closed:
			t.Errorf("the %s has ended, and nobody asked for it", o.name)
		default:
		}
	}
}

// allClosed checks that all end within a time from since.
func allClosed(t *testing.T, all []*openAnswer, since time.Time, within time.Duration) {
	t.Helper()
	for _, o := range all {
		select {
		case <-o.closed:
			t.Logf("the %s is closed after %v", o.name, o.at.Sub(since).Round(time.Millisecond))
			if took := o.at.Sub(since); took > within {
				t.Errorf("the %s was closed after %v", o.name, took)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("the %s is open for ever", o.name)
		}
	}
}
