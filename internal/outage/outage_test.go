package outage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// logger returns a logger, and what it wrote at INFO and above.
func logger() (*slog.Logger, *strings.Builder) {
	text := new(strings.Builder)
	return slog.New(slog.NewTextHandler(text, nil)), text
}

// Attack: a store that comes and goes, or a visitor who can make it seem so,
// fills the log with its beginnings and ends.
func TestAttackAFlappingStoreFillsTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, text := logger()
		var o Outages
		failed, flaps := Failure{Level: slog.LevelError, Effect: "answered 503", Err: session.ErrUnavailable}, 0
		for begun := time.Now(); time.Since(begun) < time.Hour; flaps++ {
			o.Failed(l, Sessions, failed)
			time.Sleep(quiet)
			o.Worked(l, Sessions)
		}
		lines := strings.Count(text.String(), "\n")
		if lines < 60 || lines > 4*60 {
			t.Errorf("%d lines about %d failures in an hour", lines, flaps)
		}
		time.Sleep(2 * round)
		o.Worked(l, Sessions)
		if all := strings.Split(strings.TrimSpace(text.String()), "\n"); !strings.Contains(all[len(all)-1], "available again") {
			t.Errorf("the last line: %s", all[len(all)-1])
		}
		if o.open.Load() != 0 {
			t.Error("the outage does not end")
		}
	})
}

// A success of a call that began before the last failure ends nothing, nor does
// one of another call.
func TestWhatEndsAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, text := logger()
		var o Outages
		o.Worked(l, Save) // nothing is down
		o.Failed(l, Save, Failure{Level: slog.LevelError, Effect: "answered 503", Err: session.ErrUnavailable})
		time.Sleep(quiet - time.Millisecond)
		o.Worked(l, Save)
		time.Sleep(time.Millisecond)
		o.Worked(l, Sessions, End)
		if strings.Contains(text.String(), "again") {
			t.Error(text)
		}
		o.Worked(l, Sessions, Save)
		o.Worked(l, Save)
		if strings.Count(text.String(), "available again") != 1 {
			t.Error(text)
		}
	})
}

func TestWhatIsDown(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		err  error
		want []Down
	}{
		"a load":      {fmt.Errorf("gate: load session: %w", fmt.Errorf("%w: loading: %w", session.ErrUnavailable, context.DeadlineExceeded)), []Down{Sessions}},
		"a save":      {fmt.Errorf("gate: %w", During(CallSave, session.ErrUnavailable)), []Down{Save}},
		"a person":    {fmt.Errorf("gate: find person: %w", ledger.ErrClosed), []Down{Ledger}},
		"two at once": {errors.Join(During(CallWrite, ledger.ErrUnavailable), nil, fmt.Errorf("gate: end session: %w", During(CallEnd, session.ErrUnavailable))), []Down{Write, End}},
		"WeChat":      {fmt.Errorf("gate: %w", &wechat.Error{Op: "exchange", Remedy: wechat.RemedyRetry}), []Down{{"WeChat", "main", "exchange"}}},
		"cut off":     {&wechat.Error{Op: "login", Remedy: wechat.RemedyUncertain}, []Down{{"WeChat", "main", "login"}}},
		// One visitor's own.
		"a spent code":      {&wechat.Error{Op: "exchange", Remedy: wechat.RemedyReuse}, nil},
		"another cookie":    {During(CallSave, fmt.Errorf("%w: moving: %w", session.ErrUnavailable, session.ErrOtherCookie)), nil},
		"one broken record": {fmt.Errorf("gate: find person: %w", ledger.ErrCorrupt), nil},
		"a key taken away":  {NotDown(session.ErrUnavailable), nil},
		"signed out":        {session.ErrEnded, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Of("main", row.err)
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

// events keeps the events of a log.
type events []string

func (e *events) Emit(name audit.Event, data map[string]any) {
	*e = append(*e, fmt.Sprint(name, " ", data["what"], " ", data["account"], " ", data["call"]))
}

// An outage has one event when it begins and one when it ends, however many
// requests fail; what concerns one visitor has none.
func TestEventsOfAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logger, _ := logger()
		var got events
		l := Log{Logger: logger, Outages: new(Outages), Lines: new(limit.Lines), Audit: audit.Log{Events: &got}}
		for range 100 {
			l.Unanswered("main", "", During(CallSave, session.ErrUnavailable))
			l.Note(slog.LevelWarn, "sign-in failed", "main", "", &wechat.Error{Op: "exchange", Remedy: wechat.RemedyRetry})
			l.Note(slog.LevelInfo, "code not accepted", "main", "", &wechat.Error{Op: "exchange", Remedy: wechat.RemedyReuse})
		}
		time.Sleep(2 * round)
		l.Worked(Save, Sessions)
		l.Worked(Save)
		want := events{"wechat_unavailable session store  save", "wechat_unavailable WeChat main exchange", "wechat_available session store  save"}
		if !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}
