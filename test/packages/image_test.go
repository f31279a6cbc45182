package packages

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The image holds the binary, its licence and two folders that the user owns,
// and nothing else.
func TestImageFiles(t *testing.T) {
	c := newContainer(t)
	image, err := buildImage()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	err = filepath.WalkDir(image.folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		short := strings.TrimPrefix(name, image.folder)
		owner := info.Sys().(*syscall.Stat_t)
		ours := strings.HasPrefix(short, "/data") || strings.HasPrefix(short, "/config")
		if ours != (owner.Uid == c.user().Uid) || ours != (owner.Gid == c.user().Gid) {
			t.Errorf("%s belongs to %d:%d", short, owner.Uid, owner.Gid)
		}
		if !ours && info.Mode()&0o022 != 0 {
			t.Errorf("%s has mode %s", short, info.Mode())
		}
		if entry.Type().IsRegular() {
			files = append(files, short)
		}
		return nil
	})
	want := []string{"/config/README.txt", "/data/README.txt", "/usr/bin/wechat-gateway", "/usr/share/doc/wechat-gateway/LICENSE"}
	if slices.Sort(files); err != nil || !slices.Equal(files, want) {
		t.Errorf("the image holds %q, want %q (%v)", files, want, err)
	}
	if volumes := slices.Sorted(maps.Keys(c.config.Volumes)); !slices.Equal(volumes, []string{"/config", "/data"}) {
		t.Errorf("volumes %q", volumes)
	}
	if ports := slices.Sorted(maps.Keys(c.config.ExposedPorts)); !slices.Equal(ports, []string{"443/tcp", "443/udp", "80/tcp"}) {
		t.Errorf("ports %q", ports)
	}
}

// The binary works in the image's files, as the image's user: it says its
// version, signs a visitor of the demo in, serves a site, answers the image's
// health check, writes into its volumes only, and stops when it is told to.
func TestImageRuns(t *testing.T) {
	c, n := newContainer(t), newNetwork(t)
	program := c.config.Entrypoint[0]
	if out, err := n.run(c.command(program, "version")); err != nil || !strings.HasPrefix(out, "wechat-gateway v1.2.3\nCaddy v2.") {
		t.Errorf("version: %v: %s", err, out)
	}
	if out, err := n.run(c.healthcheck()); err == nil || !strings.Contains(out, "connection refused") {
		t.Errorf("the health check before the start: %v: %s", err, out)
	}
	if out, err := n.run(c.command(program, "wechat", "demo", "--check")); err != nil {
		t.Errorf("the demo: %v: %s", err, out)
	}
	c.env = []string{"WECHAT_APP_SECRET=" + appSecret, "TZ=Asia/Shanghai"}
	c.place("etc/caddy/Caddyfile", `{
	wechat {
		official_account {
			app_id `+appID+`
			app_secret {env.WECHAT_APP_SECRET}
		}
	}
	log {
		format console {
			time_local
			time_format "2006-01-02T15:04:05Z07:00"
		}
	}
}

http://shop.example.com:8081 {
	wechat_auth
	reverse_proxy localhost:8080
}
`)
	gateway := n.start(c.main())
	n.ready(gateway, "http://127.0.0.1:8081", "shop.example.com")
	if !strings.Contains(gateway.output.String(), "+08:00\t") {
		t.Error("TZ has no effect on the log: there are no time zones")
	}
	if out, err := n.run(c.healthcheck()); err != nil || !strings.HasPrefix(out, "ready: ") {
		t.Errorf("the health check: %v: %s", err, out)
	}
	for _, kept := range []string{"data/caddy", "config/caddy/autosave.json"} {
		if _, err := os.Stat(filepath.Join(c.folder, kept)); err != nil {
			t.Error(err)
		}
	}
	if err := gateway.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-gateway.ended
	if state := gateway.command.ProcessState; !state.Success() {
		t.Errorf("stopped: %s", state)
	}
	entries, err := os.ReadDir(c.folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if want := []string{"config", "data", "dev", "etc", "usr"}; !slices.Equal(names, want) {
		t.Errorf("after a run there are %q, want %q", names, want)
	}
}
