package wechat

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// rudeServer answers requests on connections it keeps, until rude is set: from
// then on it reads a request whole and closes the connection.
type rudeServer struct {
	rude  atomic.Bool
	hits  atomic.Int32
	conns atomic.Int32
}

// start returns a client that speaks to the server.
func (s *rudeServer) start(t *testing.T) *Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			group.Go(func() { s.serve(conn) })
		}
	})
	c := &Client{APIURL: "http://" + listener.Addr().String()}
	t.Cleanup(func() { c.CloseIdle(); _ = listener.Close(); group.Wait() })
	return c
}

func (s *rudeServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		s.hits.Add(1)
		if s.rude.Load() {
			return
		}
		body := success
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
}

// A code must reach WeChat once where WeChat does not say that it is busy, also
// when the server has been spoken to before and cuts the connection after it
// read the code. net/http repeats such a request by itself, which the calls
// with 5 requests show.
func TestCodeIsSentOnce(t *testing.T) {
	t.Parallel()
	cases := []struct {
		op          string
		hits, conns int32
	}{
		{"exchange", 4, 4},
		{"refresh", 4, 4},
		{"userinfo", 5, 2},
		{"login", 4, 4},
		{"phone", 4, 4},
		{"token", 4, 4},
		{"ticket", 5, 2},
		{"follower", 5, 2},
		{"qrcode", 4, 1},
	}
	for _, tc := range cases {
		var server rudeServer
		c := server.start(t)
		for range 3 {
			if err := calls[tc.op](t, c); err != nil {
				t.Fatalf("%s: %v", tc.op, err)
			}
		}
		server.rude.Store(true)
		err := calls[tc.op](t, c)
		if !errors.Is(err, ErrUncertain) || errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", tc.op, err)
		}
		if server.hits.Load() != tc.hits || server.conns.Load() != tc.conns {
			t.Errorf("%s: %d requests on %d connections, want %d on %d", tc.op, server.hits.Load(), server.conns.Load(), tc.hits, tc.conns)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	target := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		answer(success)(w, r)
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target.APIURL+r.RequestURI, status)
		})
		for op, call := range calls {
			err := call(t, c)
			if e, ok := errors.AsType[*Error](err); !ok || e.Remedy != RemedyUncertain || e.HTTPStatus != status {
				t.Errorf("%s %d: %v", op, status, err)
			}
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d redirects were followed", hits.Load())
	}
}
