package wechat_test

import (
	"testing"
	"testing/synctest"

	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechat/tokenstoretest"
)

func TestMemoryTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tokenstoretest.Suite{New: func(*testing.T) (wechat.TokenStore, wechat.TokenStore) {
			m := new(wechat.MemoryTokens)
			return m, m
		}}.Run(t)
	})
}
