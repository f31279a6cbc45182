package main

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// What one import of the root package plugs in, as xcaddy builds it.
func TestEverythingIsPluggedIn(t *testing.T) {
	t.Parallel()
	if _, ok := caddycmd.Commands()["wechat"]; !ok {
		t.Error("there is no command wechat")
	}
	for _, id := range []string{"wechat", "http.handlers.wechat_auth", "http.matchers.wechat_browser", "wechat.stores.local", "wechat.stores.redis", "admin.api.wechat"} {
		if _, err := caddy.GetModule(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}
