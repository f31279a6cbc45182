package redisledger

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// forged is the nth word of a flood.
func forged(n int, until time.Time) string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(n)+1<<32)
	return sessionTombstone(id, until.Unix())
}

// publish announces the words as a gateway does, in messages as long as may be.
func publish(t *testing.T, c redis.UniversalClient, words ...string) {
	t.Helper()
	for len(words) > 0 {
		n := min(len(words), 256)
		if err := c.Publish(t.Context(), DefaultPrefix+"{l}:news", string(sayEnded)+strings.Join(words[:n], " ")).Err(); err != nil {
			t.Fatal(err)
		}
		words = words[n:]
	}
}

// Attack: a program that may only publish announces ends that never were.
// Sessions, and all sessions of a person, would be over; and the person locked
// out.
func TestAnnouncementsAloneEndNothing(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		var log journal
		r := testRedis(t, b.Client(), "", func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		now, until := time.Now(), time.Now().Add(time.Hour)
		publish(t, b.Client(),
			sessionTombstone([16]byte{1}, until.Unix()),
			personTombstone(endedID, ledger.PersonEnd{At: now.Unix(), Until: until.Unix()}),
			personTombstone(endedID, ledger.PersonEnd{At: until.Unix(), Until: until.Unix()}))
		// An end that is honest, announced after them, is heard of after them.
		other := testRedis(t, b.Client(), "", nil)
		if err := other.EndSession(t.Context(), [16]byte{2}, until); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the honest end", func() bool { return r.Ended([16]byte{2}) })
		eventually(t, "a warning", func() bool { return log.count("announced ends that Redis does not hold") == 1 })
		if r.Ended([16]byte{1}) || !r.PersonEnded(endedID).IsZero() {
			t.Error("an announcement ended something that Redis does not hold")
		}
	})
}

// Attack: a flood of forged announcements fills the memory for ever. Beside it,
// an honest end is seen on the other gateway, though there is no room to note
// it.
func TestAttackForgedAnnouncementsFillNoMemory(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		var log journal
		client, slow := b.Client(), &refused{command: "zmscore"}
		slow.on.Store(true) // the flood is faster than the questions
		client.AddHook(slow)
		r := testRedis(t, client, "", func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		waiting := func() int {
			r.ends.announced.mu.Lock()
			defer r.ends.announced.mu.Unlock()
			return len(r.ends.announced.words)
		}
		other, until := testRedis(t, b.Client(), "", nil), time.Now().Add(time.Hour)
		words := make([]string, 4*maxAnnounced)
		for i := range words {
			words[i] = forged(i, until)
		}
		publish(t, b.Client(), words...)
		eventually(t, "a warning", func() bool { return log.count("announces more ends than can be looked up") > 0 })
		if err := other.EndSession(t.Context(), [16]byte{1}, until); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the honest end", func() bool { return r.Ended([16]byte{1}) })
		if n := waiting(); n > maxAnnounced {
			t.Errorf("%d announcements wait", n)
		}
		slow.on.Store(false)
		eventually(t, "the end of the flood", func() bool { return waiting() == 0 })
		eventually(t, "a warning", func() bool { return log.count("announced ends that Redis does not hold") > 0 })
		if n := len(r.ends.sessions.All()); n != 1 {
			t.Errorf("%d tombstones are kept, want 1", n)
		}
	})
}

// While Redis does not answer, nothing that was announced is forgotten.
func TestAnnouncedEndWaitsForRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Standalone(t, redistest.Options{})
	other := testRedis(t, server.Client(), "", nil)
	until := time.Now().Add(time.Hour)
	client := server.Client()
	failing := &refused{command: "zmscore"}
	failing.on.Store(true)
	client.AddHook(failing)
	r := testRedis(t, client, "", unhurried)
	if err := other.EndSession(t.Context(), [16]byte{1}, until); err != nil {
		t.Fatal(err)
	}
	eventually(t, "questions", func() bool { return failing.seen.Load() > 1 })
	if r.Ended([16]byte{1}) {
		t.Error("the end was seen without a question")
	}
	failing.on.Store(false)
	eventually(t, "the end", func() bool { return r.Ended([16]byte{1}) })
}

// refused fails a command while it is on.
type refused struct {
	command string
	on      atomic.Bool
	seen    atomic.Int64
}

func (*refused) DialHook(next redis.DialHook) redis.DialHook { return next }

func (*refused) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *refused) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == h.command && h.on.Load() {
			h.seen.Add(1)
			cmd.SetErr(errRefused)
			return errRefused
		}
		return next(ctx, cmd)
	}
}

var errRefused = errors.New("refused")
