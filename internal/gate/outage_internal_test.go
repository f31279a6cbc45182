package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// logger returns a logger, and what it wrote at INFO and above.
func logger() (*slog.Logger, *strings.Builder) {
	text := new(strings.Builder)
	return slog.New(slog.NewTextHandler(text, nil)), text
}

// Attack: a store that comes and goes, or a visitor who can make it seem so, fills the
// log with its beginnings and ends.
func TestAttackAFlappingStoreFillsTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, text := logger()
		var o Outages
		failed, flaps := Failure{Level: slog.LevelError, Effect: "answered 503", Err: session.ErrUnavailable}, 0
		for begun := time.Now(); time.Since(begun) < time.Hour; flaps++ {
			o.Failed(l, downSessions, failed)
			time.Sleep(outageQuiet)
			o.Worked(l, downSessions)
		}
		lines := strings.Count(text.String(), "\n")
		if lines < 60 || lines > 4*60 {
			t.Errorf("%d lines about %d failures in an hour", lines, flaps)
		}
		time.Sleep(2 * outageRound)
		o.Worked(l, downSessions)
		if all := strings.Split(strings.TrimSpace(text.String()), "\n"); !strings.Contains(all[len(all)-1], "available again") {
			t.Errorf("the last line: %s", all[len(all)-1])
		}
		if o.open.Load() != 0 {
			t.Error("the outage does not end")
		}
	})
}

// A success of a call that began before the last failure ends nothing, nor does one
// of another call.
func TestWhatEndsAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, text := logger()
		var o Outages
		o.Worked(l, downSave) // nothing is down
		o.Failed(l, downSave, Failure{Level: slog.LevelError, Effect: "answered 503", Err: session.ErrUnavailable})
		time.Sleep(outageQuiet - time.Millisecond)
		o.Worked(l, downSave)
		time.Sleep(time.Millisecond)
		o.Worked(l, downSessions, downEnd)
		if strings.Contains(text.String(), "again") {
			t.Error(text)
		}
		o.Worked(l, downSessions, downSave)
		o.Worked(l, downSave)
		if strings.Count(text.String(), "available again") != 1 {
			t.Error(text)
		}
	})
}

func TestWhatIsDown(t *testing.T) {
	t.Parallel()
	main := Account{Name: "main"}
	for name, row := range map[string]struct {
		err  error
		want []Down
	}{
		"a load":      {fmt.Errorf("gate: load session: %w", fmt.Errorf("%w: loading: %w", session.ErrUnavailable, context.DeadlineExceeded)), []Down{downSessions}},
		"a save":      {fmt.Errorf("gate: %w", during(callSave, session.ErrUnavailable)), []Down{downSave}},
		"a person":    {fmt.Errorf("gate: find person: %w", ledger.ErrClosed), []Down{downLedger}},
		"two at once": {errors.Join(during(callWrite, ledger.ErrUnavailable), nil, fmt.Errorf("gate: end session: %w", during(callEnd, session.ErrUnavailable))), []Down{downWrite, downEnd}},
		"WeChat":      {fmt.Errorf("gate: %w", &wechat.Error{Op: "exchange", Kind: wechat.KindRetry}), []Down{{"WeChat", "main", "exchange"}}},
		"cut off":     {&wechat.Error{Op: "login", Kind: wechat.KindUncertain}, []Down{{"WeChat", "main", "login"}}},
		// One visitor's own.
		"a spent code":      {&wechat.Error{Op: "exchange", Kind: wechat.KindReuse}, nil},
		"another cookie":    {during(callSave, fmt.Errorf("%w: moving: %w", session.ErrUnavailable, session.ErrOtherCookie)), nil},
		"one broken record": {fmt.Errorf("gate: find person: %w", ledger.ErrCorrupt), nil},
		"a key taken away":  {errWithdrawn, nil},
		"a crowd":           {errCrowded, nil},
		"signed out":        {session.ErrEnded, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := downs(main, row.err)
			if len(got) != len(row.want) {
				t.Fatalf("down is %v, want %v", got, row.want)
			}
			for _, want := range row.want {
				found := false
				for _, d := range got {
					found = found || d == want
				}
				if !found {
					t.Errorf("down is %v, want %v", got, row.want)
				}
			}
		})
	}
}

// Attack: a client that leaves again and again makes the log say that a store is down.
func TestAttackAClientThatLeavesIsNoOutage(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		left bool
		err  error
		line bool
	}{
		"it waits":                {false, session.ErrUnavailable, true},
		"it left":                 {true, context.Canceled, false},
		"it left a poll":          {true, unshared("read", context.Canceled), false},
		"it left the line":        {true, errLeft, false},
		"it left, and Redis hung": {true, unshared("read", context.DeadlineExceeded), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, text := logger()
			g := &Gate{Hub: &Hub{Results: new(Results)}, Logger: l}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if row.left {
				cancel()
			}
			r := newRequest(t, http.MethodGet, "/")
			g.logUnavailable(&Request{Request: r.WithContext(ctx)}, g.Account, "", row.err)
			if got := text.Len() > 0; got != row.line {
				t.Errorf("the log says %q", text)
			}
			if open := g.Hub.Results.outages.open.Load() > 0; open != row.line {
				t.Errorf("an outage: %t", open)
			}
		})
	}
}

// While WeChat does not answer, the profiles that are not fetched have no line each.
func TestAttackStaleProfilesFillTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, text := logger()
		u := &Upkeep{Logger: l}
		for range 6000 {
			u.logUnfetched(upkeepJob{person: "ab2cd3ef4gh5ij6kl7mnopqrst"}, wechat.ErrUnavailable)
			time.Sleep(10 * time.Millisecond) // a minute in all
		}
		if n := strings.Count(text.String(), "profile not fetched"); n < 30 || n > 40 {
			t.Errorf("%d lines", n)
		}
		if !strings.Contains(text.String(), "left_out=999") && !strings.Contains(text.String(), "left_out=1000") {
			t.Error("the lines that were left out are not counted")
		}
	})
}
