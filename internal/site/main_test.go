package site

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/caddy-wechat/gateway/session"
)

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	// go-redis looks for a server that is gone once a second, and ends only
	// then after its client was closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// quiet keeps what go-redis says of outages out of the tests' output.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

const (
	shopOrigin = "https://shop.example.com"
	shopApp    = "wx0123456789abcdef"
)

// testRing is a ring whose only key is made of one letter.
func testRing(t testing.TB, letter string) *session.Ring {
	t.Helper()
	ring, err := session.NewRing(strings.Repeat(letter, 48))
	if err != nil {
		t.Fatalf("NewRing: %v", err)
	}
	return ring
}

// newRequest is a request of the shop with these headers, name and value in
// turn.
func newRequest(t testing.TB, method, target string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, shopOrigin+target, nil)
	if err != nil {
		t.Fatalf("request %s: %v", target, err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}
