package session_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
)

var servers redistest.Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(servers.Main(m)) }

var shop = session.Binding{Site: "https://shop.example.com", AppID: "wx0123456789abcdef"}

var secrets = []string{
	"first-" + strings.Repeat("0123456789", 4),
	"second-" + strings.Repeat("0123456789", 4),
	"third-" + strings.Repeat("0123456789", 4),
}

func newSession() *session.Session {
	return session.New(shop, "ab2cd3ef4gh5ij6kl7mnopqrst", "o6_bmjrPTlm6_2sgVt7hMZOPfL2M", session.ScopeUserInfo)
}

func newRing(t testing.TB, keys ...string) *session.Ring {
	t.Helper()
	ring, err := session.NewRing(keys...)
	if err != nil {
		t.Fatalf("NewRing: %v", err)
	}
	return ring
}

// fields shows all of a session, which its own print forms do not.
func fields(s session.Session) string {
	type plain session.Session
	return fmt.Sprintf("%+v", plain(s))
}

// graves are tombstones in memory. They forget as soon as they may.
type graves struct {
	mu    sync.Mutex
	until map[[16]byte]time.Time
	from  map[[16]byte]time.Time
	err   error
}

var _ session.DelayedTombstones = (*graves)(nil)

func (g *graves) EndSessionAt(ctx context.Context, id [16]byte, from, until time.Time) error {
	if err := g.EndSession(ctx, id, until); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.from == nil {
		g.from = map[[16]byte]time.Time{}
	}
	if before, known := g.from[id]; !known || from.Before(before) {
		g.from[id] = from
	}
	return nil
}

func (g *graves) EndsAt(id [16]byte) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.from[id]
}

func (g *graves) EndSession(_ context.Context, id [16]byte, until time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return g.err
	}
	if g.until == nil {
		g.until = map[[16]byte]time.Time{}
	}
	g.until[id] = until
	return nil
}

func (g *graves) Ended(id [16]byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	return now.Before(g.until[id]) && !now.Before(g.from[id])
}
