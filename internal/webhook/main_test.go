package webhook

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		os.Exit(child(spec))
	}
	// go-redis looks for a server that is gone once a second, and ends only
	// then after its client was closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// discard is a log nobody reads.
var discard = slog.New(slog.DiscardHandler)

var testSecret = wechat.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

// eventID is an id of the right form that sorts and prints like n.
func eventID(n int) string {
	id := []byte(strings.Repeat("a", 26))
	for i := 25; n > 0; i, n = i-1, n/26 {
		id[i] = byte('a' + n%26)
	}
	return string(id)
}

func numberOf(id string) (n int) {
	for _, c := range id {
		n = 26*n + int(c-'a')
	}
	return n
}

func personID(n int) string { return "p" + eventID(n)[1:] }

// call is one request that a fake receiver got.
type call struct {
	sender, id string
	header     http.Header
	body       string
	at         time.Time
}

// receiver answers requests in memory, so that time can be faked.
type receiver struct {
	mu     sync.Mutex
	calls  []call
	answer func(c call, n int) (status int, h http.Header) // n is the number of the call, from 0; status 0 breaks the connection
	takes  time.Duration
	busy   map[string]bool
	ended  map[string]time.Time // when the last attempt of each sender ended
	most   int
	t      *testing.T
}

func newReceiver(t *testing.T, answer func(c call, n int) (int, http.Header)) *receiver {
	return &receiver{t: t, answer: answer, busy: map[string]bool{}, ended: map[string]time.Time{}}
}

func accept(call, int) (int, http.Header) { return http.StatusNoContent, nil }

// as is the receiver as one sender sees it.
type as struct {
	*receiver
	name string
}

func (r as) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	user := string(body)[strings.Index(string(body), `"user":`):]
	user = user[:min(len(user), 35)]
	c := call{sender: r.name, id: request.Header.Get("Webhook-Id"), header: request.Header, body: string(body), at: time.Now()}
	r.mu.Lock()
	n := len(r.calls)
	r.calls = append(r.calls, c)
	if r.busy[user] {
		r.t.Errorf("two events of one person at the same time: %s", user)
	}
	r.busy[user] = true
	r.most = max(r.most, len(r.busy))
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.busy, user)
		r.ended[r.name] = time.Now()
	}()
	select {
	case <-time.After(r.takes):
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
	status, header := r.answer(c, n)
	if status == 0 {
		return nil, errors.New("broken: " + c.body)
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(c.body))}, nil
}

func (r *receiver) seen() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.calls...)
}

// ids are those of all calls, in order.
func (r *receiver) ids() []string {
	var ids []string
	for _, c := range r.seen() {
		ids = append(ids, c.id)
	}
	return ids
}

func newSender(box Outbox, r *receiver, name string) *Sender {
	u, err := url.Parse("https://user:p4ssw0rd@crm.example.com/wechat?key=qu3ry")
	if err != nil {
		panic(err)
	}
	return &Sender{Outbox: box, Target: "crm", URL: u, Secrets: []wechat.Secret{testSecret}, Accounts: testAccounts, transport: as{r, name}}
}

// start runs a sender; the function that is returned ends it and waits.
func start(t *testing.T, s *Sender) (end func()) {
	ctx, cancel := newContext(t)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// bubble runs a test with a fake clock.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// event is the n-th event of a person.
func event(n, person int) ledger.Event {
	return ledger.Event{
		ID: eventID(n), Kind: ledger.SignedIn, Person: personID(person), AppID: testAppID, OpenID: testOpenID, UnionID: testUnionID,
		Scope: "snsapi_base", At: testAt,
	}
}
