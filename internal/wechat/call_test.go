package wechat

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestHTTPStatus(t *testing.T) {
	t.Parallel()
	want := map[int]Remedy{
		500: RemedyUnavailable, 502: RemedyUnavailable, 503: RemedyUnavailable, 504: RemedyUnavailable,
		201: RemedyUncertain, 204: RemedyUncertain, 304: RemedyUncertain, 400: RemedyUncertain, 403: RemedyUncertain, 404: RemedyUncertain, 429: RemedyUncertain,
	}
	for status, kind := range want {
		c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		e, ok := errors.AsType[*Error](calls["exchange"](t, c))
		if !ok || e.Remedy != kind || e.HTTPStatus != status {
			t.Errorf("%d: %+v", status, e)
		}
	}
}

func TestBodyIsBounded(t *testing.T) {
	t.Parallel()
	start := `{"errcode":0,"openid":"` + testOpenID + `","x":"`
	fits := start + strings.Repeat("x", maxBody-len(start)-2) + `"}`
	if err := calls["exchange"](t, newClient(t, answer(fits))); err != nil {
		t.Errorf("64 KiB: %v", err)
	}
	if err := calls["exchange"](t, newClient(t, answer(fits+" "))); !errors.Is(err, ErrUncertain) {
		t.Errorf("64 KiB and 1: %v", err)
	}
	bomb := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("asked for %s", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		_, _ = zip.Write([]byte(fits))
		_ = zip.Close()
	}
	if err := calls["exchange"](t, newClient(t, bomb)); !errors.Is(err, ErrUncertain) {
		t.Errorf("gzip: %v", err)
	}
	header := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", maxHeaderBytes+1<<12))
		answer(fits)(w, r)
	}
	if err := calls["exchange"](t, newClient(t, header)); !errors.Is(err, ErrUncertain) {
		t.Errorf("header: %v", err)
	}
}

func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(answer(success))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	stranger := &Client{APIURL: server.URL}
	if err := calls["exchange"](t, stranger); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "x509") {
		t.Errorf("unknown authority: %v", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	friend := &Client{APIURL: server.URL, RootCAs: pool}
	defer friend.CloseIdle()
	for range 2 {
		for op, call := range calls {
			if err := call(t, friend); err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
	}
	other := &Client{APIURL: strings.Replace(server.URL, "127.0.0.1", "localhost", 1), RootCAs: pool}
	if err := calls["exchange"](t, other); !errors.Is(err, ErrUnavailable) {
		t.Errorf("wrong name: %v", err)
	}
}

// A pipe is a client whose connections are pipes to serve, in the time of a
// synctest bubble.
func pipe(c *Client, serve func(net.Conn)) *Client {
	if c.APIURL == "" {
		c.APIURL = "http://127.0.0.1"
	}
	c.dial = func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() { serve(there); _ = there.Close() }()
		return here, nil
	}
	return c
}

// drip reads a request and answers with start, then one byte a second for ever.
func drip(start string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, err := io.WriteString(conn, start)
		for err == nil {
			time.Sleep(time.Second)
			_, err = conn.Write([]byte(" "))
		}
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	silent := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	never := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	cases := map[string]struct {
		client *Client
		after  time.Duration
		want   error
	}{
		"connect":         {&Client{APIURL: "http://127.0.0.1", dial: never}, 3 * time.Second, ErrUnavailable},
		"connect, set":    {&Client{APIURL: "http://127.0.0.1", dial: never, ConnectTimeout: time.Second}, time.Second, ErrUnavailable},
		"connect, total":  {&Client{APIURL: "http://127.0.0.1", dial: never, Timeout: time.Second}, time.Second, ErrUnavailable},
		"TLS":             {pipe(&Client{APIURL: "https://127.0.0.1"}, silent), 3 * time.Second, ErrUnavailable},
		"no answer":       {pipe(&Client{}, silent), 5 * time.Second, ErrUncertain},
		"no answer, set":  {pipe(&Client{Timeout: 2 * time.Second}, silent), 2 * time.Second, ErrUncertain},
		"header in drops": {pipe(&Client{}, drip("HTTP/1.1 200 OK\r\nX: ")), 5 * time.Second, ErrUncertain},
		"body in drops":   {pipe(&Client{}, drip("HTTP/1.1 200 OK\r\n\r\n")), 5 * time.Second, ErrUncertain},
		"100 in drops":    {pipe(&Client{}, drip("HTTP/1.1 100 Continue\r\n\r\n")), 5 * time.Second, ErrUncertain},
	}
	for name, tc := range cases {
		synctest.Test(t, func(t *testing.T) {
			for op, call := range calls {
				start := time.Now()
				err := call(t, tc.client)
				if took := time.Since(start); took != tc.after || !errors.Is(err, tc.want) || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s, %s: %v after %v", name, op, err, took)
				}
			}
			tc.client.CloseIdle()
			time.Sleep(2 * time.Second) // the servers see that nobody listens
		})
	}
}

func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := pipe(&Client{}, drip(""))
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("cause " + testCode)) })
		start := time.Now()
		_, err := c.Exchange(ctx, testCred, testCode)
		if time.Since(start) != time.Second || !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUncertain) ||
			!strings.Contains(err.Error(), "the caller went away") {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		_, err = c.Exchange(ctx, testCred, testCode)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), testCode) {
			t.Errorf("already gone: %v", err)
		}
		short, cancelShort := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancelShort()
		start = time.Now()
		_, err = c.Exchange(short, testCred, testCode)
		if time.Since(start) != 2*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		time.Sleep(2 * time.Second) // the servers see that nobody listens
	})
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	c := newClient(t, answer(success))
	var group sync.WaitGroup
	for range 10 {
		for op, call := range calls {
			group.Go(func() {
				if err := call(t, c); err != nil {
					t.Errorf("%s: %v", op, err)
				}
				c.CloseIdle()
			})
		}
	}
	group.Wait()
}
