package wechat

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// fakeAccount is WeChat's side of an account's token, with the rules of
// stable_token (wechat-protocol E2): the same one until less than five minutes
// are left, then a new one beside it; a forced one kills those before, at most
// each 30 seconds.
type fakeAccount struct {
	mu     sync.Mutex
	life   time.Duration // of a token; 2 hours when 0
	slow   time.Duration // before each answer
	says   string        // the answer to stable_token, if not empty
	refuse func(token string) bool

	tokens         []fakeToken // the last one is the newest
	asks, forces   int
	ticketAsks     int
	calls          int // with a token
	lastForce      time.Time
	phoneCodes     []string
	ticketLifetime int
}

type fakeToken struct {
	value   string
	expires time.Time
}

// client returns a client of its own: an instance of the gateway.
func (f *fakeAccount) client() *Client { return pipe(&Client{}, f.serve) }

func (f *fakeAccount) serve(conn net.Conn) {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	body, _ := io.ReadAll(r.Body)
	time.Sleep(f.slow)
	text := f.answer(r, body)
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
}

func (f *fakeAccount) answer(r *http.Request, body []byte) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var message struct {
		Force bool `json:"force_refresh"`
		Code  string
	}
	_ = json.Unmarshal(body, &message)
	if r.URL.Path == "/cgi-bin/stable_token" {
		return f.stable(message.Force)
	}
	f.calls++
	if message.Code != "" {
		f.phoneCodes = append(f.phoneCodes, message.Code)
	}
	token := r.URL.Query().Get("access_token")
	switch {
	case !f.valid(token):
		return `{"errcode":40001,"errmsg":"invalid credential, access_token is invalid or not latest"}`
	case f.refuse != nil && f.refuse(token):
		return `{"errcode":42001,"errmsg":"access_token expired"}`
	case r.URL.Path == "/cgi-bin/ticket/getticket":
		f.ticketAsks++
		return fmt.Sprintf(`{"errcode":0,"errmsg":"ok","ticket":"ticket-%d","expires_in":%d}`, f.ticketAsks, max(f.ticketLifetime, 300))
	}
	return success
}

// stable answers stable_token. The caller holds mu.
func (f *fakeAccount) stable(force bool) string {
	f.asks++
	if f.says != "" {
		return f.says
	}
	now := time.Now()
	force = force && now.Sub(f.lastForce) >= 30*time.Second
	if force {
		f.forces++
		f.lastForce = now
		f.tokens = nil
	}
	if len(f.tokens) == 0 || f.tokens[len(f.tokens)-1].expires.Sub(now) < 5*time.Minute {
		f.tokens = append(f.tokens, fakeToken{fmt.Sprintf("token-%d-at-%d", f.asks, now.Unix()), now.Add(orDefault(f.life, 2*time.Hour))})
	}
	newest := f.tokens[len(f.tokens)-1]
	return fmt.Sprintf(`{"access_token":%q,"expires_in":%d}`, newest.value, int(newest.expires.Sub(now).Seconds()))
}

// valid reports whether token works. The caller holds mu.
func (f *fakeAccount) valid(token string) bool {
	for _, known := range f.tokens {
		if known.value == token && time.Now().Before(known.expires) {
			return true
		}
	}
	return false
}

func (f *fakeAccount) isValid(token Secret) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.valid(token.Reveal())
}

// kill does what another system does that makes WeChat give a new token.
func (f *fakeAccount) kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens = nil
}

// counts returns how often stable_token was asked, and how often forced.
func (f *fakeAccount) counts() (asks, forces int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asks, f.forces
}

// called returns how many calls came with a token, and how many of them asked
// for a ticket or sent a phone's code.
func (f *fakeAccount) called() (calls, tickets, phones int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls, f.ticketAsks, len(f.phoneCodes)
}

func (f *fakeAccount) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// instances returns gateways that share a store.
func (f *fakeAccount) instances(t *testing.T, n int, store TokenStore) []*GlobalToken {
	t.Helper()
	var all []*GlobalToken
	for range n {
		all = append(all, f.instance(t, store, nil))
	}
	return all
}

// instance returns one gateway, which logs to log.
func (f *fakeAccount) instance(t *testing.T, store TokenStore, log *bytes.Buffer) *GlobalToken {
	t.Helper()
	g := &GlobalToken{Client: f.client(), Credentials: testCred, Store: store}
	if log != nil {
		g.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	t.Cleanup(func() { g.Close(); g.Client.CloseIdle() })
	return g
}
