package webhook

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// How a sender works.
const (
	parallel  = 8                // deliveries at the same time, for different persons
	timeout   = 15 * time.Second // for one attempt, from connecting to the end of the answer
	grace     = 5 * time.Second  // for attempts in progress when the sender ends
	poll      = time.Second      // how often it looks for events that other processes wrote
	soonest   = 100 * time.Millisecond
	calmAfter = 8           // failures without any success, after which ...
	calm      = time.Second // ... one attempt is made at a time, this long after the one before

	leaseTTL    = 30 * time.Second
	leaseMargin = 2 * time.Second // nothing is sent in this last part of the lease
	leaseAgain  = 2 * time.Second // until a sender without a lease asks for it again
	storeTime   = 5 * time.Second // for one call of the outbox

	expireEvery = time.Hour // how often old dead letters are removed, also while no event comes
)

// errTarget reports that a sender's fields cannot be used.
var errTarget = errors.New("webhook: the address must be http:// or https:// with a host and no fragment, with one secret or two")

// Outbox is the part of the ledger that a sender needs; ledger.Queue documents
// the methods.
type Outbox interface {
	Due(ctx context.Context, target string, now time.Time, limit int) (due []ledger.Delivery, next time.Time, err error)
	Sent(ctx context.Context, target, id string) error
	Postpone(ctx context.Context, target, id string, next time.Time, reason string) error
	Bury(ctx context.Context, target, id, reason string) error
	Expire(ctx context.Context, target string) error
	Lease(ctx context.Context, target, owner string, ttl time.Duration) (bool, error)
	Release(ctx context.Context, target, owner string) error
}

// Sender delivers the events of one target. Fill in the fields, start Run once,
// and call Wake after each change.
type Sender struct {
	// Outbox holds the events. Required.
	Outbox Outbox
	// Target is the queue name of this receiver's events. Required.
	Target string
	// URL is the address that events are posted to. Required. User and password
	// in it become a header; they and the query are never logged.
	URL *url.URL
	// Secrets sign the events: one, or two while rotating. A receiver may know
	// either of them.
	Secrets []wechat.Secret
	// Accounts returns the name of the account with this app id, "" if there is
	// none. nil: names are left out.
	Accounts func(appID string) string
	// RootCAs are the certificate authorities to trust instead of the system's.
	RootCAs *x509.CertPool
	// Logger gets failed deliveries, and the first success after a failure,
	// without any secret, openid or unionid. nil: no log.
	Logger *slog.Logger

	// GivenUp is called for each event that became a dead letter. It must not
	// block. nil: not called.
	GivenUp func(ledger.EventKind)

	transport http.RoundTripper // set by tests
	once      sync.Once
	wake      chan struct{}
	failures  limit.Line // limits a log line, see warn
	burials   limit.Line // limits a log line, see warnOfBurial

	sent, failed, buried atomic.Uint64
}

// Counts are the numbers of this process since the sender was made.
type Counts struct {
	Sent   uint64 // deliveries that were accepted
	Failed uint64 // attempts that failed, including the last one before a burial
	Buried uint64 // events that went to the dead letters
}

// Counts returns the numbers so far. It may be called at any time.
func (s *Sender) Counts() Counts {
	return Counts{Sent: s.sent.Load(), Failed: s.failed.Load(), Buried: s.buried.Load()}
}

// keys returns the signing keys. Errors: errTarget, errSecret.
func (s *Sender) keys() ([][]byte, error) {
	u := s.URL
	if s.Outbox == nil || s.Target == "" || u == nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.Fragment != "" ||
		len(s.Secrets) == 0 || len(s.Secrets) > 2 {
		return nil, errTarget
	}
	keys := make([][]byte, len(s.Secrets))
	for i, secret := range s.Secrets {
		key, err := secretKey(secret.Reveal())
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	return keys, nil
}

// Wake makes the sender look for new events. It never blocks, and may be called
// at any time, also before Run.
func (s *Sender) Wake() {
	select {
	case s.bell() <- struct{}{}:
	default: // a wake-up is already pending
	}
}

func (s *Sender) bell() chan struct{} {
	s.once.Do(func() { s.wake = make(chan struct{}, 1) })
	return s.wake
}

// Run delivers events until ctx ends, while this sender holds the lease.
// Attempts in progress then have 5 s to end. Run returns nil, or an error at
// once if a field cannot be used. Call it once.
func (s *Sender) Run(ctx context.Context) error {
	keys, err := s.keys()
	if err != nil {
		return err
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	client := s.client()
	if s.transport != nil {
		client.Transport = s.transport
	}
	defer client.CloseIdleConnections()
	p := post{sender: s, client: client, keys: keys}
	for owner := rand.Text(); ctx.Err() == nil; pause(ctx, leaseAgain) {
		if t := s.take(ctx, owner); t != nil {
			p.serve(ctx, t)
			t.end()
		}
	}
	return nil
}

// pause waits, or returns earlier because ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
