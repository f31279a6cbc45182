package redisledger

import (
	"context"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

var shared redistest.Shared

// quiet keeps what go-redis says of outages out of the tests' output.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	if spec := os.Getenv(fleetEnv); spec != "" {
		os.Exit(fleetChild(spec))
	}
	// go-redis looks for a server that is gone once a second, and ends only
	// then after its client was closed.
	goleak.VerifyTestMain(shared.Main(m), goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}
