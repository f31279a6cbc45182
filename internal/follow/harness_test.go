package follow_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/follow"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// A square: WeChat and a ledger of which tests say what they answer, and a
// gateway that asks them.
const shopApp = "wx1234567890abcdef"

var shop = wechat.Account{Kind: wechat.OfficialAccount, Name: "main", Credentials: wechat.Credentials{AppID: shopApp}}

// refusal is an error of WeChat.
func refusal(code int) error {
	return &wechat.Error{Op: "follower", Code: code, Remedy: wechat.RemedyOf(code)}
}

var silent = &wechat.Error{Op: "follower", Remedy: wechat.RemedyUnavailable}

type square struct {
	*follow.Followers
	t   *testing.T
	log *strings.Builder

	mu      sync.Mutex
	follows map[string]bool // by openid
	fails   error
	slow    time.Duration
	asked   int
	during  func() // called while WeChat is asked

	persons map[string]ledger.Person // by openid
	ids     map[string]string        // openids by id
	writes  int
	broken  error
	logging outage.Log
}

func newSquare(t *testing.T) *square {
	t.Helper()
	s := &square{t: t, log: new(strings.Builder), follows: map[string]bool{}, persons: map[string]ledger.Person{}, ids: map[string]string{}}
	s.Followers = &follow.Followers{Ask: s.ask, Ledger: s, Memory: new(follow.Memory)}
	s.logging = outage.Log{Logger: slog.New(slog.NewTextHandler(s.log, nil)), Outages: new(outage.Outages), Lines: new(limit.Lines)}
	return s
}

func (s *square) ask(ctx context.Context, appID, openID string) (bool, error) {
	s.mu.Lock()
	s.asked++
	fails, follows, slow, during := s.fails, s.follows[openID], s.slow, s.during
	s.during = nil
	s.mu.Unlock()
	if during != nil {
		during()
	}
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return false, &wechat.Error{Op: "follower", Remedy: wechat.RemedyUncertain, Err: ctx.Err()}
	}
	if appID != shopApp {
		return false, errors.New("asked about another account")
	}
	return follows, fails
}

// Find implements follow.Ledger.
func (s *square) Find(_ context.Context, id string) (ledger.Person, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.persons[s.ids[id]]
	if !ok {
		return ledger.Person{}, ledger.ErrNotFound
	}
	return p.Clone(), s.broken
}

// Follow implements follow.Ledger with the ledger's own rules.
func (s *square) Follow(_ context.Context, in ledger.Following) (ledger.Person, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return ledger.Person{}, s.broken
	}
	in, err := in.Normal()
	if err != nil {
		return ledger.Person{}, err
	}
	p, ok := s.persons[in.OpenID]
	if !ok {
		return ledger.Person{}, ledger.ErrNotFound
	}
	if c := in.Apply(&p); c.Dirty {
		s.persons[in.OpenID] = c.Person
		s.writes++
	}
	return s.persons[in.OpenID].Clone(), nil
}

// person returns the person with an openid as the ledger has it now.
func (s *square) person(openID string) ledger.Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.persons[openID]
	if !ok {
		p = ledger.Person{ID: ledger.NewID(), Accounts: []ledger.Account{{AppID: "wxother", OpenID: "x" + openID}, {AppID: shopApp, OpenID: openID}}}
		s.persons[openID], s.ids[p.ID] = p, openID
	}
	return p.Clone()
}

func (s *square) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// push is a push of WeChat at this moment, as another gateway carries it out.
func (s *square) push(openID string, state ledger.Follow) {
	s.t.Helper()
	if _, err := s.Follow(s.t.Context(), ledger.Following{AppID: shopApp, OpenID: openID, Follow: state, Pushed: time.Now()}); err != nil {
		s.t.Error(err)
	}
}

func (s *square) question(openID string) follow.Question {
	return follow.Question{Account: shop, Person: s.person(openID), Network: netip.MustParsePrefix("192.0.2.0/24"), Log: s.logging}
}

// wants fails unless a person gets this answer, with so many calls of WeChat.
func (s *square) wants(openID string, want bool, calls int) {
	s.t.Helper()
	s.wantsOf(s.question(openID), want, calls)
}

func (s *square) wantsOf(q follow.Question, want bool, calls int) {
	s.t.Helper()
	s.mu.Lock()
	before := s.asked
	s.mu.Unlock()
	got, err := s.Follows(s.t.Context(), q)
	s.mu.Lock()
	defer s.mu.Unlock()
	if got != want || err != nil || s.asked-before != calls {
		s.t.Errorf("follows %t, %v, with %d calls; want %t with %d", got, err, s.asked-before, want, calls)
	}
}

// fails fails unless it is not known whether a person follows.
func (s *square) unknown(openID string, calls int) error {
	s.t.Helper()
	s.mu.Lock()
	before := s.asked
	s.mu.Unlock()
	got, err := s.Follows(s.t.Context(), s.question(openID))
	s.mu.Lock()
	defer s.mu.Unlock()
	if got || !errors.Is(err, follow.ErrUnknown) || s.asked-before != calls {
		s.t.Errorf("follows %t, %v, with %d calls; want an error with %d", got, err, s.asked-before, calls)
	}
	return err
}
