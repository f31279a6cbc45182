package redisledger

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// held is a Redis that does not give tombstones out before it is let.
type held chan struct{}

func (held) DialHook(next redis.DialHook) redis.DialHook { return next }
func (held) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h held) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if strings.HasPrefix(cmd.Name(), "zrange") {
			<-h
		}
		return next(ctx, cmd)
	}
}

// Attack: a copied cookie is sent to a gateway that has just started, and does
// not know yet what was ended.
func TestRedisEndedBeforeTheFirstReading(t *testing.T) {
	t.Parallel()
	c := miniClient(t)
	first := testRedis(t, c, "", nil)
	id, alive := [16]byte{1}, [16]byte{2}
	until := time.Now().Add(time.Hour)
	if err := first.EndSession(t.Context(), id, until); err != nil {
		t.Fatal(err)
	}
	if err := first.EndPerson(t.Context(), "abcdefghijklmnopqrstuvwxyz", time.Now(), until); err != nil {
		t.Fatal(err)
	}
	h := make(held)
	c.AddHook(h)
	r := New(Options{Client: c, Timeout: 20 * time.Second})
	r.Start()
	defer r.Close()
	type answer struct{ ended, alive, person bool }
	answers := make(chan answer, 1)
	go func() {
		answers <- answer{r.Ended(id), !r.Ended(alive), !r.PersonEnded("abcdefghijklmnopqrstuvwxyz").IsZero()}
	}()
	select {
	case a := <-answers:
		t.Fatalf("answered %+v before it could know", a)
	case <-time.After(300 * time.Millisecond):
	}
	close(h)
	if a := <-answers; a != (answer{true, true, true}) {
		t.Errorf("answered %+v", a)
	}
}

// Nobody waits where nothing will ever be read, or for longer than a moment
// where Redis is down.
func TestRedisEndedWaitsForNothing(t *testing.T) {
	t.Parallel()
	down := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", ContextTimeoutEnabled: true})
	defer down.Close()
	ask := func(r *Ledger) time.Duration {
		begun := time.Now()
		if r.Ended([16]byte{1}) {
			t.Error("a session that nobody ended is over")
		}
		return time.Since(begun)
	}
	r := New(Options{Client: down})
	if took := ask(r); took >= tombstonePatience {
		t.Errorf("without Start: %v", took)
	}
	r.Start()
	if took := ask(r); took < tombstonePatience || took > tombstonePatience+10*time.Second {
		t.Errorf("Redis is down: %v", took)
	}
	asked := make(chan time.Duration)
	go func() { asked <- ask(r) }()
	time.Sleep(100 * time.Millisecond)
	r.Close()
	if took := <-asked; took >= tombstonePatience {
		t.Errorf("closed meanwhile: %v", took)
	}
	if took := ask(r); took >= tombstonePatience {
		t.Errorf("after Close: %v", took)
	}
}
