package test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The examples of docs/forward-auth.md, as they stand there but for the
// addresses, run in real proxies: nginx as a program of its own, Caddy beside
// the gateway.

// front is a proxy in front of the app that asks the gateway about each
// request.
type front struct {
	name string
	// beside runs it in a process or listener of its own; nil is in this
	// process's Caddy, with the gateway.
	beside func(w *world, port, gateway, app string)
}

var fronts = []front{nginxFront, {"Caddy", nil}, traefikFront}

var nginxFront = front{"nginx", func(w *world, port, gateway, app string) {
	w.nginx(documented(w.t, "nginx", 0), port, gateway, app)
}}

var traefikFront = front{"Traefik, as it is read", (*world).traefik}

// before runs the front alone, before the world's app, with another gateway.
func (f front) before(w *world, gateway *app) (site string) {
	w.t.Helper()
	port := freePort(w.t)
	if f.beside == nil {
		w.load("{\n\tadmin off\n\tpersist_config off\n\tdefault_bind 127.0.0.1\n}\n" + w.caddySite(port, gateway.address(), w.app.address()))
	} else {
		f.beside(w, port, gateway.address(), w.app.address())
	}
	return "http://127.0.0.1:" + port
}

// guards runs the front before the world's app and gateway.
func (f front) guards(w *world, o options) (site string) {
	w.t.Helper()
	port := freePort(w.t)
	site = "http://127.0.0.1:" + port
	gateway := "127.0.0.1:" + w.port
	o.auth, o.proxy = o.auth+"\n\t\tcheck on\n\t\torigin "+site, "respond 404"
	if f.beside == nil {
		w.load(w.caddyfile(o) + w.caddySite(port, gateway, w.app.address()))
	} else {
		w.load(w.caddyfile(o))
		f.beside(w, port, gateway, w.app.address())
	}
	return site
}

// standIn is in the place of the gateway: it answers as it is told, and
// remembers what it was asked.
func standIn(t *testing.T) *app {
	t.Helper()
	gateway := newApp()
	t.Cleanup(gateway.Close)
	gateway.says(told)
	return gateway
}

// documented returns a block of docs/forward-auth.md, of those in this
// language.
func documented(t *testing.T, language string, n int) string {
	t.Helper()
	page, err := os.ReadFile("../docs/forward-auth.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) <= n {
		t.Fatalf("docs/forward-auth.md has %d blocks in %s", len(blocks), language)
	}
	return blocks[n][1]
}

// placed puts the addresses of a test into an example.
func placed(t *testing.T, example, gateway, app string) string {
	t.Helper()
	for _, needed := range []string{"127.0.0.1:8081", ":8080"} {
		if !strings.Contains(example, needed) {
			t.Fatalf("no %s in:\n%s", needed, example)
		}
	}
	return strings.NewReplacer("127.0.0.1:8081", gateway, "127.0.0.1:8080", app, "localhost:8080", app).Replace(example)
}

// caddySite is the documented site.
func (w *world) caddySite(port, gateway, app string) string {
	w.t.Helper()
	body := placed(w.t, documented(w.t, "text", 0), gateway, app)
	if strings.HasPrefix(gateway, "unix/") {
		body = strings.ReplaceAll(body, "header_up Host {upstream_hostport}", "header_up Host localhost") // as the document says
	}
	return "\nhttp://127.0.0.1:" + port + " {\n" + body + "}\n"
}

const nginxProgram = "/usr/sbin/nginx"

// nginx runs what stands inside `http { }` in an nginx of its own.
func (w *world) nginx(example, port, gateway, app string) {
	w.t.Helper()
	if err := runNginx(w.t, placed(w.t, example, gateway, app), port); err != nil {
		w.t.Fatal(err)
	}
}

func runNginx(t *testing.T, inside, port string) error {
	t.Helper()
	if err := installed(nginxProgram, "nginx"); err != nil {
		return err
	}
	folder := t.TempDir()
	listening := strings.Replace(inside, "    server_name ", "    listen 127.0.0.1:"+port+";\n    server_name ", 1)
	if listening == inside || strings.Count(inside, "server {") != 1 || strings.Contains(inside, "listen ") || strings.Contains(inside, "ssl_") {
		return errors.New("the example is not maps and one server, without listen and a certificate:\n" + inside)
	}
	temporary := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += fmt.Sprintf("\t%s_temp_path %s/%s;\n", kind, folder, kind)
	}
	// One process, so that its folder is its own, whoever runs the tests.
	config := fmt.Sprintf("daemon off;\nmaster_process off;\npid %[1]s/pid;\nerror_log %[1]s/error.log warn;\nevents {}\nhttp {\n\taccess_log off;\n%[2]s%[3]s}\n", folder, temporary, listening)
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	params, err := os.ReadFile("/etc/nginx/fastcgi_params")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "fastcgi_params"), params, 0o600); err != nil {
		return err
	}
	p, err := start(exec.Command(nginxProgram, "-p", folder, "-c", file, "-e", folder+"/error.log"))
	if err != nil {
		return err
	}
	t.Cleanup(func() {
		p.stop()
		if said, err := os.ReadFile(filepath.Join(folder, "error.log")); err != nil || strings.Contains(string(said), "[warn]") || strings.Contains(string(said), "[alert]") {
			t.Errorf("nginx says: %s (%v)", said, err)
		}
	})
	return p.until(10*time.Second, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// lastReceived is what the app received last.
func (w *world) lastReceived() received {
	w.t.Helper()
	all := w.app.take()
	if len(all) == 0 {
		w.t.Fatal("nothing reached the app")
	}
	return all[len(all)-1]
}
