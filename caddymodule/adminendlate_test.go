package caddymodule

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/signout"
)

// downOnce is a ledger that is down for the first end of a person's sessions.
type downOnce struct {
	ledger.Ledger
	ends atomic.Int64
}

func (l *downOnce) EndPerson(context.Context, string, time.Time, time.Time) error {
	if l.ends.Add(1) == 1 {
		return ledger.ErrUnavailable
	}
	return nil
}

func (*downOnce) Tell(context.Context, ledger.Event) error { return nil }

// An end of sessions that is carried out later, in the background, shares
// nothing with the call that was answered (a data race, with -race).
func TestLateEndOfSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book, ends := new(downOnce), new(signout.Unfinished)
		d := desk{&App{logger: slog.New(slog.DiscardHandler)}, opened{
			ledger: book, ends: ends, personEnded: func(string) time.Time { return time.Time{} },
		}, caller{}}
		if ended, err := d.endAll(t.Context(), &ledger.Person{ID: ledger.NewID()}, signout.CountOperator); ended != nil || err == nil {
			t.Errorf("%v, %v, want ErrUnavailable", ended, err)
		}
		for ends.Waiting() > 0 {
			time.Sleep(time.Second)
		}
		if n := book.ends.Load(); n != 2 {
			t.Errorf("the sessions were ended %d times, want a second time in the background", n)
		}
		if err := ends.Close(); err != nil {
			t.Error(err)
		}
	})
}
