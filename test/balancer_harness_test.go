package test

import (
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

// balancer is a real load balancer with its configuration of docs/health.md.
type balancer struct {
	address string // host:port
	run     *program
}

// balancerSnippet returns the only block of docs/health.md in a language.
func balancerSnippet(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/health.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(found) != 1 {
		t.Fatalf("docs/health.md has %d blocks of %s, want 1", len(found), language)
	}
	return found[0][1]
}

// replaced replaces parts of a snippet, each of which must be there.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the snippet has no %q:\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// haproxy runs HAProxy before two gateways of one host, on plain http.
func haproxy(t *testing.T, host, first, second string) balancer {
	t.Helper()
	return haproxyWithout(t, host, first, second)
}

// haproxyWithout leaves out the lines of the document's configuration that begin
// with some words.
func haproxyWithout(t *testing.T, host, first, second string, without ...string) balancer {
	t.Helper()
	const program = "/usr/sbin/haproxy"
	if err := installed(program, "haproxy"); err != nil {
		t.Fatal(err)
	}
	b := balancer{address: "127.0.0.1:" + freePort(t)}
	config := replaced(t, balancerSnippet(t, "haproxy"),
		"bind :443 ssl crt /etc/haproxy/shop.pem", "bind "+b.address, "shop.example.com", host,
		"10.0.0.11:8080", first, "10.0.0.12:8080", second)
	for _, words := range without {
		config = regexp.MustCompile("(?m)^\t"+regexp.QuoteMeta(words)+".*\n").ReplaceAllString(config, "")
	}
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	b.begin(t, exec.Command(program, "-db", "-f", file), exec.Command(program, "-c", "-f", file))
	return b
}

// nginx runs nginx before two gateways of one host, on plain http.
func nginx(t *testing.T, host, first, second string) balancer {
	t.Helper()
	const program = "/usr/sbin/nginx"
	if err := installed(program, "nginx"); err != nil {
		t.Fatal(err)
	}
	b := balancer{address: "127.0.0.1:" + freePort(t)}
	folder := t.TempDir()
	site := replaced(t, balancerSnippet(t, "nginx"),
		"listen 443 ssl", "listen "+b.address, "\tssl_certificate /etc/nginx/shop.pem;\n", "", "\tssl_certificate_key /etc/nginx/shop.key;\n", "",
		"shop.example.com", host, "10.0.0.11:8080", first, "10.0.0.12:8080", second)
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "%s_temp_path %s/%s;\n", kind, folder, kind)
	}
	file := filepath.Join(folder, "nginx.conf")
	// One process, so that its folder is its own, whoever runs the tests.
	config := fmt.Sprintf("daemon off;\nmaster_process off;\npid %s/pid;\nevents {}\nhttp {\naccess_log off;\n%s%s}\n", folder, temporary.String(), site)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	arguments := []string{"-p", folder, "-c", file, "-e", folder + "/error.log"}
	b.begin(t, exec.Command(program, arguments...), exec.Command(program, append([]string{"-t"}, arguments...)...))
	return b
}

// begin checks the configuration, starts the balancer, and returns when it
// listens.
func (b *balancer) begin(t *testing.T, run, check *exec.Cmd) {
	t.Helper()
	if out, err := check.CombinedOutput(); err != nil || strings.Contains(string(out), "[WARNING]") || strings.Contains(string(out), "[warn]") {
		t.Fatalf("checking the configuration: %v\n%s", err, out)
	}
	p, err := start(run)
	if err != nil {
		t.Fatal(err)
	}
	b.run = p
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("what the balancer said:\n%s", p.output)
		}
	})
	err = p.until(10*time.Second, func() bool {
		conn, err := net.Dial("tcp", b.address)
		return err == nil && conn.Close() == nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
