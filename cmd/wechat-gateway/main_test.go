package main

import (
	"crypto/x509"
	"runtime/debug"
	"strings"
	"testing"
	"time"

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

func TestDescribe(t *testing.T) {
	t.Parallel()
	info := func(more ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{GoVersion: "go1.26.8", Settings: append(more, debug.BuildSetting{Key: "GOOS", Value: "linux"}, debug.BuildSetting{Key: "GOARCH", Value: "arm64"})}
	}
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0a1b2c"}
	for name, row := range map[string]struct {
		version string
		info    *debug.BuildInfo
		want    string
	}{
		"a release":                       {"v1.2.3", info(commit), "wechat-gateway v1.2.3 (0a1b2c)"},
		"an image":                        {"v1.2.3", info(), "wechat-gateway v1.2.3"},
		"a working copy":                  {"build-0a1b2c3d4e5f", info(), "wechat-gateway build-0a1b2c3d4e5f"},
		"a working copy that was changed": {"v1.2.3", info(commit, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "wechat-gateway v1.2.3 (0a1b2c, changed)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, want := describe(row.version, "v2.11.9 h1:x", row.info), row.want+"\nCaddy v2.11.9 h1:x\ngo1.26.8 linux/arm64\n"; got != want {
				t.Errorf("describe = %q, want %q", got, want)
			}
		})
	}
}

// Only Caddy's own question is answered for Caddy.
func TestAsksVersion(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"wechat-gateway version": true, "wechat-gateway --version": true, "wechat-gateway -v": true,
		"wechat-gateway": false, "wechat-gateway run": false, "wechat-gateway version --help": false, "wechat-gateway run version": false,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			if got := asksVersion(strings.Fields(line)); got != want {
				t.Errorf("asksVersion = %t, want %t", got, want)
			}
		})
	}
}

// The binary needs no files of a system: an image from scratch has none. Caddy
// brings the authorities.
func TestNeedsNoFiles(t *testing.T) {
	none := t.TempDir()
	t.Setenv("SSL_CERT_FILE", none+"/none")
	t.Setenv("SSL_CERT_DIR", none)
	roots, err := x509.SystemCertPool()
	if err != nil || roots.Equal(x509.NewCertPool()) {
		t.Errorf("there are no certificate authorities: %v", err)
	}
	t.Setenv("ZONEINFO", none+"/none")
	if _, err := time.LoadLocation("Asia/Shanghai"); err != nil {
		t.Error(err)
	}
}

func TestUseZone(t *testing.T) {
	before := time.Local
	t.Cleanup(func() { time.Local = before })
	for _, row := range []struct{ name, want string }{{"Asia/Shanghai", "+0800"}, {"", "+0800"}, {"Nowhere/City", "+0800"}, {"UTC", "+0000"}} {
		useZone(row.name)
		if got := time.Unix(1_800_000_000, 0).Format("-0700"); got != row.want {
			t.Errorf("useZone(%q): %s, want %s", row.name, got, row.want)
		}
	}
}
