package caddymodule

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
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

// A build without a version is named by its bytes: two builds differ, and one is
// the same each time.
func TestBuildWithoutAVersionHasAName(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^build-[0-9a-f]{12}$`)
	if got := Version(); got == "" || stamp == "" && !strings.HasPrefix(got, "v") && !name.MatchString(got) {
		t.Errorf("Version = %q", got)
	}
	folder := t.TempDir()
	names := map[string]bool{}
	for _, build := range []string{"one", "two", "two"} {
		file := filepath.Join(folder, build)
		if err := os.WriteFile(file, []byte(build), 0o600); err != nil {
			t.Fatal(err)
		}
		got := buildOf(file)
		if !name.MatchString(got) {
			t.Errorf("the build is named %q", got)
		}
		names[got] = true
	}
	if len(names) != 2 {
		t.Errorf("two builds are named %v", names)
	}
	if got := buildOf(filepath.Join(folder, "none")); got != "build-unknown" {
		t.Errorf("a file that cannot be read is named %q", got)
	}
}
