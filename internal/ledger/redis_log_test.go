package ledger

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// journal is a log that several goroutines write.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(words string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), words)
}

// A Redis that cannot be reached from the beginning is said to be so at once, and
// once.
func TestRedisNeverReachedIsLogged(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	var log journal
	r := &Redis{Client: client, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	r.Start()
	eventually(t, "a line", func() bool { return log.count("channel is broken") > 0 })
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if n := log.count("channel is broken"); n != 1 {
		t.Errorf("%d lines", n)
	}
}

// Attack: a Redis that answers every other call fills the log with its failures.
func TestAttackARedisThatComesAndGoesFillsTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log journal
		r := &Redis{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		for range 1000 {
			r.answer(ErrUnavailable)
			r.answer(nil)
			time.Sleep(time.Second)
		}
		if r.health.failing(failMark) {
			t.Error("it counts as failing after an answer")
		}
		time.Sleep(failMark)
		r.answer(nil)
		r.answer(nil)
		if n, again := log.count("is unavailable"), log.count("available again"); n != 1 || again != 1 {
			t.Errorf("%d lines that it fails, %d that it works again", n, again)
		}
	})
}

// A Redis that would throw sessions and persons away is not found out when it has.
func TestRedisThatForgetsIsLogged(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{Config: []string{"maxmemory-policy volatile-lru"}})
	var log journal
	testRedis(t, server.Client(), "", func(r *Redis) { r.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	eventually(t, "a warning", func() bool { return log.count("maxmemory_policy=volatile-lru") == 1 })
	good := redistest.Standalone(t, redistest.Options{})
	var silent journal
	r := testRedis(t, good.Client(), "", func(r *Redis) { r.Logger = slog.New(slog.NewTextHandler(&silent, nil)) })
	if err := r.Close(); err != nil { // the check is over
		t.Error(err)
	}
	if silent.count("noeviction") != 0 {
		t.Error("a Redis that keeps everything is warned of")
	}
}
