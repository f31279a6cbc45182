package redisledger

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
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

// A Redis that cannot be reached from the beginning is said to be so at once,
// and once.
func TestRedisNeverReachedIsLogged(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	var log journal
	r := New(Options{Client: client, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	r.Start()
	eventually(t, "a line", func() bool { return log.count("channel is broken") > 0 })
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if n := log.count("channel is broken"); n != 1 {
		t.Errorf("%d lines", n)
	}
}

// Attack: a Redis that answers every other call fills the log with its
// failures.
func TestAttackARedisThatComesAndGoesFillsTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log journal
		r := New(Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		for range 1000 {
			r.answer(ledger.ErrUnavailable)
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

// A Redis that would throw sessions and persons away is not found out when it
// has.
func TestRedisThatForgetsIsLogged(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{Config: []string{"maxmemory-policy volatile-lru"}})
	var log journal
	testRedis(t, server.Client(), "", func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	eventually(t, "a warning", func() bool { return log.count("maxmemory_policy=volatile-lru") == 1 })
	good := redistest.Standalone(t, redistest.Options{})
	var silent journal
	r := testRedis(t, good.Client(), "", func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&silent, nil)) })
	if err := r.Close(); err != nil { // the check is over
		t.Error(err)
	}
	if silent.count("noeviction") != 0 {
		t.Error("a Redis that keeps everything is warned of")
	}
}

// A Redis without persistence gives every person another id when it is started
// anew. The log says so while there is time.
func TestRedisThatKeepsNothingOnDiskIsLogged(t *testing.T) {
	const (
		nothing = "level=WARN msg=\"Redis keeps nothing on disk (its persistence is off)"
		unknown = "level=INFO msg=\"Redis does not tell whether it keeps data on disk (persistence)"
	)
	limited := []any{"acl", "setuser", "gateway", "on", ">secret", "~*", "&*", "+@all", "-config"}
	for name, c := range map[string]struct {
		options redistest.Options
		limited bool
		want    string // "" for none of the lines
	}{
		"nothing":              {redistest.Options{}, false, nothing},
		"append-only file":     {redistest.Options{AppendOnly: true}, false, ""},
		"snapshots":            {redistest.Options{Config: []string{"save 3600 1"}}, false, ""},
		"CONFIG not allowed":   {redistest.Options{}, true, unknown},
		"not allowed, with it": {redistest.Options{AppendOnly: true}, true, ""},
		"CONFIG renamed":       {redistest.Options{Config: []string{`rename-command CONFIG ""`}}, false, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Standalone(t, c.options)
			client := server.Client()
			if c.limited {
				if err := server.Do(limited...).Err(); err != nil {
					t.Fatal(err)
				}
				restricted := redis.NewClient(&redis.Options{Addr: server.Addr, Username: "gateway", Password: "secret"})
				t.Cleanup(func() { _ = restricted.Close() })
				client = restricted
			}
			var log journal
			r := testRedis(t, client, "", func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			if c.want != "" {
				eventually(t, "a line", func() bool { return log.count(c.want) == 1 })
			}
			if kept, known := r.Persistence(t.Context()); kept != (c.want == "") || known != (c.want != unknown) {
				t.Errorf("Persistence: kept %v, known %v", kept, known)
			}
			if err := r.Close(); err != nil { // the check is over
				t.Error(err)
			}
			if n := log.count("persistence"); c.want == "" && n != 0 {
				t.Errorf("%d lines: %s", n, log.text.String())
			}
			if denied, err := server.Do("acl", "log").Slice(); err != nil || len(denied) != 0 {
				t.Errorf("Redis has refused %v, %v", denied, err)
			}
		})
	}
}

// In a Cluster each master is asked, and the line comes once.
func TestClusterThatKeepsNothingOnDiskIsLogged(t *testing.T) {
	nodes := redistest.Cluster(t)
	var log journal
	r := testRedis(t, nodes.Client(), "", func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	eventually(t, "a warning", func() bool { return log.count("keeps nothing on disk") > 0 })
	if kept, known := r.Persistence(t.Context()); kept || !known {
		t.Errorf("Persistence: kept %v, known %v", kept, known)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if n := log.count("keeps nothing on disk"); n != 1 {
		t.Errorf("%d lines", n)
	}
}

// Where the settings are not told, a snapshot that is overdue tells.
func TestDiskOfInfo(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	info := func(aof, changes string, saved time.Duration) string {
		return fmt.Sprintf("# Persistence\r\nloading:0\r\nrdb_changes_since_last_save:%s\r\nrdb_last_save_time:%d\r\naof_enabled:%s\r\n",
			changes, now.Add(-saved).Unix(), aof)
	}
	const hour = time.Hour
	for name, c := range map[string]struct {
		info, save string
		told       bool
		want       onDisk
	}{
		"append-only file":    {info("1", "5", 99*hour), "", true, diskKept},
		"snapshots":           {info("0", "5", 99*hour), "3600 1", true, diskKept},
		"neither":             {info("0", "0", 0), "", true, diskNothing},
		"not told, new":       {info("0", "5", hour), "", false, diskUnknown},
		"not told, unchanged": {info("0", "0", 99*hour), "", false, diskUnknown},
		"not told, overdue":   {info("0", "5", 26*hour), "", false, diskNothing},
		"no Redis":            {"# Persistence\r\nloading:0\r\n", "", true, diskUnknown},
		"nothing":             {"", "", false, diskUnknown},
		"nonsense":            {"aof_enabled:0\r\nrdb_last_save_time:x\r\nrdb_changes_since_last_save:5\r\n", "", false, diskUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := diskOf(c.info, now, func() (string, bool) { return c.save, c.told }); got != c.want {
				t.Errorf("%d, want %d for %q", got, c.want, c.info)
			}
		})
	}
}
