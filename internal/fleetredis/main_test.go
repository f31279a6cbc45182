package fleetredis_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

var servers redistest.Shared

func TestMain(m *testing.M) {
	// go-redis looks for a server that is gone once a second, and ends only
	// then after its client was closed.
	goleak.VerifyTestMain(servers.Main(m), goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}
