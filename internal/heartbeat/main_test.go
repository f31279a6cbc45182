package heartbeat_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

var servers redistest.Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(servers.Main(m)) }
