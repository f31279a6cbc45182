package caddymodule_test

import (
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// A gateway is in the list that the doctor reads while it runs, also over a
// reload, and not after it has stopped: its keys and its version are no
// gateway's any more.
func TestStoppedGatewayIsNotListed(t *testing.T) {
	backend := redistest.Standalone(t, redistest.Options{Config: documentedUsers(t)})
	o := openOfficeWith(t, documentedGateway(backend), "")
	listed := func() int64 {
		n, err := backend.Do("hlen", "wechat:gateways").Int64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	waitFor(t, func() bool { return listed() == 1 })
	o.load(o.config)
	if n := listed(); n != 1 {
		t.Errorf("%d gateways are listed after a reload", n)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := listed(); n != 0 {
		t.Errorf("%d gateways are listed after the stop", n)
	}
}
