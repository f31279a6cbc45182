package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

// stamp is the version of a build that knows no tag: an image is built without
// the repository's history. The Dockerfile sets it:
//
//	go build -ldflags "-X github.com/caddy-wechat/gateway/caddymodule.stamp=v1.2.3"
var stamp string

// Version returns the version of the gateway, such as v1.2.3. Go knows the
// version of a module that xcaddy builds in, and of a clone. A build that knows
// none is named by its bytes, such as build-0a1b2c3d4e5f: during an upgrade an
// operator must see which of two builds runs.
func Version() string { return version() }

var version = sync.OnceValue(func() string {
	if stamp != "" {
		return stamp
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := versionOf(info); v != "" {
			return v
		}
	}
	return buildOf(ownProgram())
})

// ownProgram returns the file of this process. On Linux it is the one that runs,
// even if an upgrade has put another one in its place.
func ownProgram() string {
	const running = "/proc/self/exe"
	if _, err := os.Stat(running); err == nil {
		return running
	}
	file, err := os.Executable()
	if err != nil {
		return ""
	}
	return file
}

// buildOf names a build without a version.
func buildOf(program string) string {
	const unreadable = "build-unknown"
	file, err := os.Open(program)
	if err != nil {
		return unreadable
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return unreadable
	}
	return "build-" + hex.EncodeToString(sum.Sum(nil)[:6])
}

// versionOf finds this module in what Go says about a binary, "" if Go knows no
// version of it.
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
