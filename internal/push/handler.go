package push

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
)

// ErrLost reports that steps were given up when the handler was closed.
var ErrLost = errors.New("push: events were lost")

// Ledger is the part of the ledger that a Handler needs.
type Ledger interface {
	Withdraw(ctx context.Context, w ledger.Withdrawal) (p ledger.Person, done bool, err error)
	Follow(ctx context.Context, f ledger.Following) (ledger.Person, error)
	FindUnionID(ctx context.Context, unionID string) (ledger.Person, error)
}

// Handler answers /_wechat/push/<account>. Set its fields before the first push
// and do not change them afterwards. It must be closed.
type Handler struct {
	// Accounts are the accounts with message push, by name.
	Accounts map[string]*Account
	Ledger   Ledger
	// EndSessions removes a person's sessions, created up to a second, from the
	// session store after the ledger has ended them. It is tried five times.
	// nil if there is no such store.
	EndSessions func(ctx context.Context, p ledger.Person, at time.Time) error
	// Journal keeps steps that the ledger does not have yet. nil: WeChat is
	// answered `success` only after the ledger has the step.
	Journal Journal
	// Refetch fetches and stores a person's profile after the old one has been
	// cleared. After an error, the person is asked for consent again. nil:
	// profiles cannot be fetched, and the person is always asked again.
	Refetch func(ctx context.Context, p ledger.Person, appID string) error
	// Lifetime is how long a session can live; 30 days when 0.
	Lifetime time.Duration
	// Logger gets messages for the operator, without any openid. nil: no log.
	Logger *slog.Logger
	// Audit is called for each step that changed the ledger; nil for none.
	Audit func(Entry)

	start   sync.Once
	relay   relay
	base    context.Context // of all background work
	cancel  context.CancelFunc
	stop    chan struct{} // closed when Close begins
	retries chan struct{} // slots for repeated tries
	mu      sync.Mutex
	closed  bool
	active  sync.WaitGroup // requests and steps
	recent  recent
	down    recovery
	running map[*step]struct{} // steps in progress
	waiting int                // steps in progress that the ledger does not have yet
	lost    int
	left    int                    // steps left in the journal for the next start
	said    map[string]*limit.Line // limits each warning; bounded by accounts and our texts
}

// Entry describes one step that changed the ledger.
type Entry struct {
	Account string           // its name
	Event   string           // WeChat's name of it
	Kind    ledger.EventKind // the event in the ledger
	Person  ledger.Person
	Reason  string // codes of a revocation
}

func (h *Handler) init() {
	h.start.Do(func() {
		h.base, h.cancel = context.WithCancel(context.Background())
		h.stop, h.retries = make(chan struct{}), make(chan struct{}, maxRetrying)
		h.said, h.running = make(map[string]*limit.Line), make(map[*step]struct{})
		h.relay.init()
		if h.Logger == nil {
			h.Logger = slog.New(slog.DiscardHandler)
		}
	})
}

func (h *Handler) lifetime() time.Duration {
	if h.Lifetime > 0 {
		return h.Lifetime
	}
	return defaultLifetime
}

// Serve answers a request for the account with this name. The body is
// `success`, the echo of a check, the relay's answer, or empty.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, account string) {
	h.init()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	timeBody(w, r)
	if !h.enter() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer h.active.Done()
	a := h.Accounts[account]
	switch {
	case a == nil:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		h.verify(w, r, a)
	case r.Method == http.MethodPost:
		h.receive(w, r, a)
	default:
		w.Header().Set("Allow", "GET, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}
