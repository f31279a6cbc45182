package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/session"
)

// pruning is a desk over a real ledger in a file, with its two logs.
type pruning struct {
	t    *testing.T
	bolt *boltledger.Ledger
	desk desk
	logs bytes.Buffer
}

func newPruning(t *testing.T) *pruning {
	t.Helper()
	p := &pruning{t: t}
	var err error
	if p.bolt, err = boltledger.Open(filepath.Join(t.TempDir(), "ledger.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.bolt.Close() })
	lines := slog.New(slog.NewJSONHandler(&p.logs, nil))
	p.desk = desk{
		&App{logger: lines, audit: audit.Log{Lines: lines}, policy: session.Policy{Lifetime: 30 * 24 * time.Hour}},
		opened{ledger: p.bolt, personEnded: p.bolt.PersonEnded},
		caller{},
	}
	return p
}

// days is a time so many days ago.
func days(n int) time.Time { return time.Now().Add(-time.Duration(n) * 24 * time.Hour) }

func (p *pruning) see(openID string, at time.Time) ledger.Person {
	p.t.Helper()
	person, err := p.bolt.Observe(p.t.Context(), ledger.Observation{AppID: "wxA", OpenID: openID, At: at})
	if err != nil {
		p.t.Fatal(err)
	}
	return person
}

// ask makes a call about the persons last seen before a time.
func (p *pruning) ask(method string, before time.Time, more string) (answer pruned, shown inactivity, refused *refusedCall) {
	p.t.Helper()
	r := httptest.NewRequestWithContext(p.t.Context(), method, "/wechat/ledger/inactive?before="+url.QueryEscape(before.UTC().Format(time.RFC3339))+more, nil)
	w := httptest.NewRecorder()
	call, into := p.desk.eraseInactive, any(&answer)
	if method == http.MethodGet {
		call, into = p.desk.showInactive, &shown
	}
	if err := call(w, r); err != nil {
		if !errors.As(err, &refused) {
			p.t.Fatal(err)
		}
		return answer, shown, refused
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		p.t.Fatal(err)
	}
	return answer, shown, nil
}

func (p *pruning) erased(openID string) bool {
	p.t.Helper()
	_, err := p.bolt.FindOpenID(p.t.Context(), "wxA", openID)
	return errors.Is(err, ledger.ErrNotFound)
}

// Inactive persons are shown, and erased in parts; one line for each part says
// how many.
func TestPruneInParts(t *testing.T) {
	t.Parallel()
	p := newPruning(t)
	for i := range 25 {
		p.see(fmt.Sprint("oOld", i), days(800+i))
	}
	p.see("oNew", days(100))
	_, shown, _ := p.ask(http.MethodGet, days(730), "")
	if want := days(824); shown.Persons != 25 || shown.Oldest.Sub(want).Abs() > time.Hour {
		t.Fatalf("shown %+v, want 25, the oldest of %v", shown, want)
	}
	for i, want := range []pruned{{10, true, ""}, {10, true, ""}, {5, false, ""}, {0, false, ""}} {
		if got, _, refused := p.ask(http.MethodDelete, days(730), "&limit=10"); got != want || refused != nil {
			t.Errorf("part %d: %+v, %v, want %+v", i+1, got, refused, want)
		}
	}
	if n, err := p.bolt.Count(t.Context()); n != 1 || err != nil || p.erased("oNew") {
		t.Errorf("%d persons are left, %v, want the one who was seen", n, err)
	}
	if n := strings.Count(p.logs.String(), `"action":"admin"`); n != 3 {
		t.Errorf("%d audit lines, want one for each part that erased", n)
	}
	if !strings.Contains(p.logs.String(), `"reason":"ledger prune: 10 last seen before `) || strings.Contains(p.logs.String(), "oOld") {
		t.Errorf("the logs say %s", p.logs.String())
	}
}

// A person who is seen between show and erase is spared, with every session.
func TestPruneSparesWhoComesBack(t *testing.T) {
	t.Parallel()
	for name, seen := range map[string]time.Time{"long ago": days(800), "lately": days(60)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPruning(t)
			back, gone := p.see("oBack", seen), p.see("oGone", seen)
			before := days(45)
			if _, shown, _ := p.ask(http.MethodGet, before, ""); shown.Persons != 2 {
				t.Fatalf("shown %+v", shown)
			}
			listed := back // as an earlier list has it
			p.see("oBack", time.Now())
			if erased, err := p.desk.eraseOne(t.Context(), &listed, before); erased || err != nil {
				t.Errorf("erased %v, %v", erased, err)
			}
			if got, _, _ := p.ask(http.MethodDelete, before, ""); got.Erased != 1 || p.erased("oBack") || !p.erased("oGone") {
				t.Errorf("%+v; who came back is erased: %v", got, p.erased("oBack"))
			}
			if !p.bolt.PersonEnded(back.ID).IsZero() {
				t.Error("the sessions of the person who came back were ended")
			}
			// Sessions are ended where one can be alive, and not remembered where
			// none can.
			if ended := !p.bolt.PersonEnded(gone.ID).IsZero(); ended != (name == "lately") {
				t.Errorf("the end of sessions is remembered: %v", ended)
			}
			if erased, err := p.desk.eraseOne(t.Context(), &gone, before); erased || err != nil {
				t.Errorf("a person who is gone already: %v, %v", erased, err)
			}
		})
	}
}

// full is a ledger in which too many events wait.
type full struct {
	ledger.Ledger
	waiting int
}

func (f *full) Waiting(context.Context, string) (waiting, dead int, err error) {
	return f.waiting, 0, nil
}

// Erasures wait for the webhooks: their notices must not push out one another.
func TestPruneWaitsForWebhooks(t *testing.T) {
	t.Parallel()
	p := newPruning(t)
	p.see("oOld", days(800))
	crowded := &full{p.bolt, pruneWaiting + 1}
	p.desk.ledger = crowded
	hook := provisionedWebhook{}
	hook.target.Name = "crm"
	p.desk.app.webhooks = []provisionedWebhook{hook}
	if got, _, _ := p.ask(http.MethodDelete, days(730), ""); got != (pruned{0, true, "crm"}) || p.erased("oOld") {
		t.Errorf("answered %+v, erased %v", got, p.erased("oOld"))
	}
	crowded.waiting--
	if got, _, _ := p.ask(http.MethodDelete, days(730), ""); got != (pruned{1, false, ""}) || !p.erased("oOld") {
		t.Errorf("answered %+v, erased %v", got, p.erased("oOld"))
	}
}

// What cannot be meant is refused, and erases nobody.
func TestPruneRefuses(t *testing.T) {
	t.Parallel()
	p := newPruning(t)
	p.see("oOld", days(800))
	for name, row := range map[string]struct{ query, want string }{
		"no time":                     {"", "must give before"},
		"no RFC 3339":                 {"?before=24mo", "a time such as"},
		"a day":                       {"?before=2024-03-01", "a time such as"},
		"before time":                 {"?before=0001-01-01T00:00:00Z", "a time such as"},
		"the life of a session":       {"?before=" + days(29).UTC().Format(time.RFC3339), "may still be signed in"},
		"the future":                  {"?before=9999-01-01T00:00:00Z", "may still be signed in"},
		"a limit of nothing":          {"?before=2020-01-01T00:00:00Z&limit=0", "from 1 to 1000"},
		"a limit of too many":         {"?before=2020-01-01T00:00:00Z&limit=1001", "from 1 to 1000"},
		"a mistyped name":             {"?before=2020-01-01T00:00:00Z&limt=1", "must give before"},
		"no number":                   {"?before=2020-01-01T00:00:00Z&limit=x", "from 1 to 1000"},
		"two times, the later allows": {"?before=2020-01-01T00:00:00Z&before=9999-01-01T00:00:00Z", "must give before"},
	} {
		t.Run(name, func(t *testing.T) {
			err := p.desk.eraseInactive(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/wechat/ledger/inactive"+row.query, nil))
			var refused *refusedCall
			if !errors.As(err, &refused) || refused.Word != invalidQuery || !strings.Contains(refused.Message, row.want) {
				t.Errorf("%v, want a refusal with %q", err, row.want)
			}
		})
	}
	if p.erased("oOld") {
		t.Error("somebody was erased")
	}
}

// down is a ledger that fails after some erasures.
type down struct {
	ledger.Ledger
	left atomic.Int64
}

func (d *down) EraseInactive(ctx context.Context, id string, before time.Time) (bool, error) {
	if d.left.Add(-1) < 0 {
		return false, fmt.Errorf("%w: gone", ledger.ErrUnavailable)
	}
	return d.Ledger.EraseInactive(ctx, id, before)
}

// A store that fails half-way: those who are erased are counted and audited, and
// the next call says what is wrong.
func TestPruneWhenTheStoreFails(t *testing.T) {
	t.Parallel()
	p := newPruning(t)
	for i := range 5 {
		p.see(fmt.Sprint("oOld", i), days(800+i))
	}
	failing := &down{Ledger: p.bolt}
	failing.left.Store(2)
	p.desk.ledger = failing
	if got, _, refused := p.ask(http.MethodDelete, days(730), ""); got.Erased != 2 || !got.More || refused != nil {
		t.Errorf("answered %+v, %v", got, refused)
	}
	if _, _, refused := p.ask(http.MethodDelete, days(730), ""); refused == nil || refused.Word != storeUnavailable {
		t.Errorf("the next call: %v", refused)
	}
	if n, err := p.bolt.Count(t.Context()); n != 3 || err != nil {
		t.Errorf("%d are left, %v", n, err)
	}
}
