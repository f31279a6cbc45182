package gate_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
)

// board is where two instances leave word for each other.
type board struct {
	mu    sync.Mutex
	notes map[string]note
}

type note struct {
	text  string
	until time.Time
}

// get returns what stands there still.
func (b *board) get(key string) (string, bool) {
	n, ok := b.notes[key]
	if !ok || !time.Now().Before(n.until) {
		return "", false
	}
	return n.text, true
}

func (b *board) Claim(_ context.Context, key string, ttl time.Duration) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, taken := b.get("claim " + key); taken {
		return false, nil
	}
	b.notes["claim "+key] = note{until: time.Now().Add(ttl)}
	return true, nil
}

func (b *board) Release(_ context.Context, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.notes, "claim "+key)
}

func (b *board) Put(_ context.Context, key, value string, ttl time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes[key] = note{value, time.Now().Add(ttl)}
	return nil
}

func (b *board) Get(_ context.Context, key string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text, _ := b.get(key)
	return text, nil
}

// fleet is two instances of one gateway.
func fleet(t *testing.T) (one, two *town) {
	t.Helper()
	return fleetWith(t, newWeChat(t))
}

func fleetWith(t *testing.T, c *weChat) (one, two *town) {
	t.Helper()
	one = newTownWith(t, c, doors, func(w *town) { w.inside = true })
	shared := &board{notes: map[string]note{}}
	one.hub.Memory = &site.Memory{Once: signin.Once{Shared: shared, Keys: one.hub.Keys}}
	hub := *one.hub
	hub.Memory = &site.Memory{Once: signin.Once{Shared: shared, Keys: one.hub.Keys}}
	two = &town{t: t, weChat: one.weChat, hub: &hub, ledger: one.ledger, scrub: one.scrub, inside: true, gate: &gate.Gate{Site: site.Site{
		Hub: &hub, Account: one.gate.Account, OtherAccounts: one.gate.OtherAccounts, Rules: one.gate.Rules, Logger: one.gate.Logger,
	}}}
	return one, two
}

// A client whose repetition reaches another instance gets the same token, and
// the code of a phone button the same number.
func TestCodesOnTwoInstances(t *testing.T) {
	t.Parallel()
	one, two := fleet(t)
	login := code{one.weChat.MiniProgramCode("alice", miniApp)}
	var tokens [4]string
	var all sync.WaitGroup
	for i := range tokens {
		c := []*town{one, two}[i%2].client("alice")
		all.Go(func() { tokens[i] = c.ask(http.MethodPost, miniLogin, login).Token })
	}
	all.Wait()
	if tokens[0] == "" || tokens[0] != tokens[1] || tokens[0] != tokens[3] || one.weChat.CountCalls(sessionPath) != 1 {
		t.Fatalf("%d calls, tokens %q", one.weChat.CountCalls(sessionPath), tokens)
	}
	phone := code{one.weChat.PhoneCode("alice", miniApp)}
	var numbers [2]string
	for i, w := range []*town{one, two} {
		c := w.client("alice")
		c.token = tokens[0]
		numbers[i] = c.ask(http.MethodPost, miniPhone, phone).Phone
	}
	if numbers[0] == "" || numbers[0] != numbers[1] {
		t.Errorf("numbers %q", numbers)
	}
}

// A ticket that was burnt on one instance is burnt on the other.
func TestTicketOnTwoInstances(t *testing.T) {
	t.Parallel()
	one, two := fleet(t)
	address := "/page?wechat_ticket=" + one.mini("alice").ticket()
	b, thief := one.webView("alice"), two.webView("carol")
	stolen := thief.send(http.MethodGet, address, "").location()
	// The two hops of one visitor may reach two instances.
	second := b.send(http.MethodGet, address, "").location()
	b.town = two
	b.client.Transport = insiderOf(b)
	if h := b.send(http.MethodGet, second, ""); h.location() != shop+"/page" || b.session() == "" {
		t.Errorf("the visitor: %d %s", h.status, h.location())
	}
	thief.town = one
	thief.client.Transport = insiderOf(thief)
	if h := thief.send(http.MethodGet, stolen, ""); h.location() != shop+"/page" || thief.session() != "" {
		t.Errorf("the thief: %d %s", h.status, h.location())
	}
}

func insiderOf(b *browser) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) { return b.selective(insider{b.town}.RoundTrip(r)) })
}
