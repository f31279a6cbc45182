package caddymodule

import (
	"runtime/debug"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// stamp is the version of a build that knows no tag: an image is built without
// the repository's history. The Dockerfile sets it:
//
//	go build -ldflags "-X github.com/caddy-wechat/gateway/caddymodule.stamp=v1.2.3"
var stamp string

// Version returns the version of the gateway, such as v1.2.3, and "" for one
// that was built from a working copy without a stamp. Go knows the version of a
// module that xcaddy builds in, and of a clone at a tag.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if stamp != "" || !ok {
		return stamp
	}
	return versionOf(info)
}

// versionOf finds this module in what Go says about a binary.
func versionOf(info *debug.BuildInfo) string {
	const path = "github.com/caddy-wechat/gateway"
	for _, module := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if module.Path == path && module.Version != "(devel)" {
			return module.Version
		}
	}
	return ""
}

// caddyVersion returns Caddy's version without the checksum behind it.
func caddyVersion() string {
	_, full := caddy.Version()
	version, _, _ := strings.Cut(full, " ")
	return version
}
