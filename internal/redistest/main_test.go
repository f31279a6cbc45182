package redistest_test

import (
	"context"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

var shared redistest.Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.Main(m)) }

// client of a backend that gives up on each try within half a second.
func client(t *testing.T, b redistest.Backend) func(args ...any) (string, error) {
	t.Helper()
	o := b.Universal()
	o.MaxRetries, o.DialerRetries = -1, 1
	o.DialTimeout, o.ReadTimeout = 500*time.Millisecond, 500*time.Millisecond
	c := b.Dial(o)
	return func(args ...any) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return c.Do(ctx, args...).Text()
	}
}

// eventually repeats a step until it passes.
func eventually(t *testing.T, what string, step func() error) {
	t.Helper()
	end := time.Now().Add(15 * time.Second)
	for {
		err := step()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %s", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// alive tells whether there is such a process that is no zombie.
func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	for i := len(stat) - 1; i >= 0; i-- {
		if stat[i] == ')' {
			return stat[i+2] != 'Z'
		}
	}
	return true
}
