package gate_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/session"
)

// logBook keeps what was logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// lines returns the lines that contain what.
func (b *logBook) lines(what string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for line := range strings.Lines(b.text.String()) {
		if strings.Contains(line, what) {
			found = append(found, line)
		}
	}
	return found
}

// secretBook collects what must not be logged.
type secretBook struct {
	mu   sync.Mutex
	seen map[string]string // what it is
}

func (b *secretBook) add(what, secret string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen == nil {
		b.seen = map[string]string{}
	}
	if len(secret) > 8 { // shorter ones are ours for the log: short ids, counts
		b.seen[secret] = what
	}
}

// checkLog runs at the end of every test: attack 25, secrets in logs.
func (w *town) checkLog() {
	for _, secret := range append(w.weChat.Issued(), appSecret, ringKey) {
		w.secrets.add("secret of WeChat's", secret)
	}
	for _, person := range w.weChat.Persons() {
		w.secrets.add("openid", w.weChat.OpenID(person.ID, shopApp))
		w.secrets.add("unionid", w.weChat.UnionID(person.ID, shopApp))
	}
	w.secrets.mu.Lock()
	defer w.secrets.mu.Unlock()
	text := strings.Join(w.log.lines(""), "")
	for secret, what := range w.secrets.seen {
		if strings.Contains(text, secret) {
			w.t.Errorf("the log holds a %s: %s", what, w.log.lines(secret))
		}
	}
}

// shakyStore is a session store that can be told to fail.
type shakyStore struct {
	session.Store
	mu                         sync.Mutex
	err                        error
	loads, saves, renews, ends int
}

func (s *shakyStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// begin counts a call and says whether it fails.
func (s *shakyStore) begin(calls *int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	*calls++
	return s.err
}

func (s *shakyStore) count(calls *int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *calls
}

func (s *shakyStore) Save(ctx context.Context, v *session.Session) (string, error) {
	if err := s.begin(&s.saves); err != nil {
		return "", err
	}
	return s.Store.Save(ctx, v)
}

func (s *shakyStore) Load(ctx context.Context, value string, b session.Binding) (*session.Session, error) {
	if err := s.begin(&s.loads); err != nil {
		return nil, err
	}
	return s.Store.Load(ctx, value, b)
}

func (s *shakyStore) Renew(ctx context.Context, v *session.Session) (string, error) {
	if err := s.begin(&s.renews); err != nil {
		return "", err
	}
	return s.Store.Renew(ctx, v)
}

func (s *shakyStore) End(ctx context.Context, v *session.Session) error {
	if err := s.begin(&s.ends); err != nil {
		return err
	}
	return s.Store.End(ctx, v)
}

// shakyLedger is a ledger that can be told to fail.
type shakyLedger struct {
	*boltledger.Ledger
	mu   sync.Mutex
	err  error
	mute error // what only Tell fails with
}

func (l *shakyLedger) failTell(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute = err
}

func (l *shakyLedger) Tell(ctx context.Context, e ledger.Event) error {
	l.mu.Lock()
	err := errors.Join(l.err, l.mute)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.Ledger.Tell(ctx, e)
}

func (l *shakyLedger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *shakyLedger) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *shakyLedger) Ready(ctx context.Context) error {
	if err := l.failure(); err != nil {
		return err
	}
	return l.Ledger.Ready(ctx)
}

func (l *shakyLedger) Observe(ctx context.Context, s ledger.Observation) (ledger.Person, error) {
	if err := l.failure(); err != nil {
		return ledger.Person{}, err
	}
	return l.Ledger.Observe(ctx, s)
}

func (l *shakyLedger) Find(ctx context.Context, id string) (ledger.Person, error) {
	if err := l.failure(); err != nil {
		return ledger.Person{}, err
	}
	return l.Ledger.Find(ctx, id)
}
