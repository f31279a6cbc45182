package push

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// ErrLost says that steps were given up when the handler was closed.
var ErrLost = errors.New("push: events were lost")

// Ledger is what a Handler needs of the ledger.
type Ledger interface {
	Withdraw(ctx context.Context, w ledger.Withdrawal) (p ledger.Person, done bool, err error)
	FindUnionID(ctx context.Context, unionID string) (ledger.Person, error)
}

// Handler answers /_wechat/push/<account>. Its fields are set before the first
// push, then left alone. It must be closed.
type Handler struct {
	// Accounts are those that get pushes, by name.
	Accounts map[string]*Account
	Ledger   Ledger
	// EndSessions removes what a session store keeps of a person's sessions,
	// after they were ended in the ledger: of those created up to a second. nil for
	// none. It is tried five times.
	EndSessions func(ctx context.Context, p ledger.Person, at time.Time) error
	// Journal keeps what the ledger does not have yet. nil: WeChat is not told
	// `success` before the ledger has it.
	Journal Journal
	// Refetch fetches a person's profile anew and keeps it, once the one that
	// was known has been cleared. After an error the person will be asked for
	// consent anew. nil: profiles cannot be fetched, so that is always so.
	Refetch func(ctx context.Context, p ledger.Person, appID string) error
	// Lifetime is how long a session can live; 30 days when 0.
	Lifetime time.Duration
	// Logger hears what the operator should know, without any openid; nil is silent.
	Logger *slog.Logger
	// Audit is told of each step that was done; nil for nobody.
	Audit func(Entry)

	start   sync.Once
	relay   relay
	base    context.Context // of everything done in the background
	cancel  context.CancelFunc
	stop    chan struct{} // closed when Close begins
	retries chan struct{} // slots for steps that are tried again
	mu      sync.Mutex
	closed  bool
	active  sync.WaitGroup // requests and steps
	recent  recent
	down    recovery
	running int // steps under way
	waiting int // those of them that the ledger does not have yet
	lost    int
	left    int                  // in the journal, for the next start
	said    map[string]time.Time // warnings, so that nobody can fill the log
}

// Entry tells of one step that was done in the ledger.
type Entry struct {
	Account string           // its name
	Event   string           // WeChat's name of it
	Kind    ledger.EventKind // what it was to the ledger
	Person  ledger.Person
	Reason  string // codes of a revocation
}

func (h *Handler) init() {
	h.start.Do(func() {
		h.base, h.cancel = context.WithCancel(context.Background())
		h.stop, h.retries = make(chan struct{}), make(chan struct{}, maxRetrying)
		h.said = make(map[string]time.Time)
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

// Serve answers a request for the account with this name. No answer says more than
// its status, but `success`, the echo of a check, or what the relay answered.
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
