package caddymodule

import (
	"runtime/debug"
	"testing"
)

func TestVersionOf(t *testing.T) {
	t.Parallel()
	const gateway, shop = "github.com/caddy-wechat/gateway", "example.com/shop"
	for name, row := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"a clone at a tag":      {debug.BuildInfo{Main: debug.Module{Path: gateway, Version: "v1.2.3"}}, "v1.2.3"},
		"a working copy":        {debug.BuildInfo{Main: debug.Module{Path: gateway, Version: "(devel)"}}, ""},
		"xcaddy":                {debug.BuildInfo{Main: debug.Module{Path: "caddy"}, Deps: []*debug.Module{{Path: shop, Version: "v9.9.9"}, {Path: gateway, Version: "v1.2.3"}}}, "v1.2.3"},
		"a build without it":    {debug.BuildInfo{Main: debug.Module{Path: shop, Version: "v9.9.9"}}, ""},
		"a module beneath ours": {debug.BuildInfo{Main: debug.Module{Path: gateway + "/test/sdk", Version: "v9.9.9"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := versionOf(&row.info); got != row.want {
				t.Errorf("versionOf = %q, want %q", got, row.want)
			}
		})
	}
}
