package packages

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Two releases of the same commit, made in two folders, have the same bytes;
// and the archive holds a binary that knows its version, with a bill of
// materials.
func TestRelease(t *testing.T) {
	folders := [2]string{filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")}
	for _, folder := range folders {
		make := exec.Command("go", "run", "./cmd/release", "--snapshot", "--platforms", "linux/amd64", "--out", folder)
		make.Dir = root
		if out, err := make.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	entries, err := os.ReadDir(folders[0])
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d files, want 3: %v", len(entries), err)
	}
	for _, entry := range entries {
		one, other := read(t, folders[0], entry.Name()), read(t, folders[1], entry.Name())
		if one != other {
			t.Errorf("%s: two releases differ", entry.Name())
		}
	}
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = folders[0]
	if out, err := check.CombinedOutput(); err != nil || bytes.Count(out, []byte(": OK\n")) != 2 {
		t.Errorf("%v\n%s", err, out)
	}
	archives, err := filepath.Glob(folders[0] + "/*.tar.gz")
	if err != nil || len(archives) != 1 {
		t.Fatalf("%q, %v", archives, err)
	}
	name := strings.TrimSuffix(filepath.Base(archives[0]), ".tar.gz")
	version, _, _ := strings.Cut(strings.TrimPrefix(name, "wechat-gateway_"), "_")
	if out, err := exec.Command("tar", "-C", folders[1], "-xzf", archives[0]).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	commit, err := exec.Command("git", "-C", root, "rev-parse", "HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(folders[1], name, "wechat-gateway"), "version").CombinedOutput()
	if want := "wechat-gateway " + version + " (" + strings.TrimSpace(string(commit)) + ")\nCaddy v2."; err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("version: %v: %s, want %s", err, out, want)
	}
	for _, file := range []string{"LICENSE", "README.md", "README.zh-CN.md", "CHANGELOG.md", "Caddyfile.example", "wechat-gateway.service"} {
		if read(t, folders[1], name, file) == "" {
			t.Errorf("%s is empty", file)
		}
	}
	checkBill(t, filepath.Join(folders[0], name+".cdx.json"), version)
}

// checkBill looks for the gateway, Caddy and Go in a bill of materials.
func checkBill(t *testing.T, file, version string) {
	t.Helper()
	type component struct{ Name, Version, PURL string }
	var bill struct {
		Format   string `json:"bomFormat"`
		Serial   string `json:"serialNumber"`
		Metadata struct {
			Component component
			Timestamp string
		}
		Components []component
	}
	if err := json.Unmarshal([]byte(read(t, file)), &bill); err != nil {
		t.Fatal(err)
	}
	if bill.Format != "CycloneDX" || bill.Metadata.Component.Version != version || bill.Serial != "" || bill.Metadata.Timestamp != "" {
		t.Errorf("the bill is for %+v, in %s, with serial %q and time %q", bill.Metadata.Component, bill.Format, bill.Serial, bill.Metadata.Timestamp)
	}
	caddy := regexp.MustCompile(`(?m)^\tgithub\.com/caddyserver/caddy/v2 (\S+)$`).FindStringSubmatch(read(t, root, "go.mod"))
	found := make(map[string]string)
	for _, c := range bill.Components {
		found[c.Name] = c.Version
	}
	if caddy == nil || found["github.com/caddyserver/caddy/v2"] != caddy[1] || found["std"] == "" || len(found) < 100 {
		t.Errorf("%d modules; Caddy %q, want %q; Go %q", len(found), found["github.com/caddyserver/caddy/v2"], caddy, found["std"])
	}
}
