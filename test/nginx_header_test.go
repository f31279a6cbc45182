package test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// nginxBuffers runs an nginx in front of a gateway, with the buffers that it
// has by default: the header of an answer must fit in 4 KiB, or it answers 502.
func nginxBuffers(t *testing.T, gateway string) (address string) {
	t.Helper()
	const program = "/usr/sbin/nginx"
	if err := installed(program, "nginx"); err != nil {
		t.Fatal(err)
	}
	folder, port := t.TempDir(), freePort(t)
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "\t%s_temp_path %s/%s;\n", kind, folder, kind)
	}
	// One process, so that its folder is its own, whoever runs the tests.
	config := fmt.Sprintf("daemon off;\nmaster_process off;\npid %[1]s/pid;\nevents {}\nhttp {\n\taccess_log off;\n%[2]s"+
		"\tserver {\n\t\tlisten 127.0.0.1:%[3]s;\n\t\tlocation / {\n\t\t\tproxy_pass http://%[4]s;\n\t\t\tproxy_set_header Host $http_host;\n\t\t}\n\t}\n}\n",
		folder, temporary.String(), port, gateway)
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := start(exec.Command(program, "-p", folder, "-c", file, "-e", folder+"/error.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	address = "127.0.0.1:" + port
	err = p.until(10*time.Second, func() bool {
		conn, err := net.Dial("tcp", address)
		return err == nil && conn.Close() == nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// reaches has the visitor's browser find all hosts at an address, those on
// https too: whatever ends TLS there stands beside the visitor.
func (v *visitor) reaches(hosts []string, address string) {
	transport := v.client.Transport.(*http.Transport)
	dial := func(ctx context.Context, network, to string) (net.Conn, error) {
		for _, host := range hosts {
			if strings.HasPrefix(to, host+":") {
				to = address
			}
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
	transport.DialContext, transport.DialTLSContext = dial, dial
}

// Behind nginx as it is installed, pages with long addresses sign visitors in:
// they come back to the page, or to the front page where the hosts are very
// long.
func TestNginxPassesOnSignInsOfLongAddresses(t *testing.T) {
	long := func(word string) string { return strings.Repeat(word+".", 60)[:241] + ".example.com" }
	for name, c := range map[string]struct {
		shop, auth string
		kept       int // how long an address may be that is kept, in bytes
	}{
		"a host":             {"shop.example.com", "", 2048},
		"callback_origin":    {"shop.example.com", "auth.example.com", 2048},
		"long hosts, shared": {long("shop"), long("auth"), 1400},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			o := options{
				auth:   "origin https://" + c.shop,
				before: "header Strict-Transport-Security \"max-age=31536000; includeSubDomains\"",
			}
			o.site = "http://:" + w.port
			if c.auth != "" {
				o.global = "callback_origin https://" + c.auth
			}
			w.load(w.caddyfile(o))
			front := nginxBuffers(t, "127.0.0.1:"+w.port)
			for _, n := range []int{1, 1000, 1400, 1804, 1805, 1900, 2000, 2047, 2048, 2049, 3000} {
				v := w.visitor("ming")
				v.reaches([]string{c.shop, c.auth}, front)
				target := "/list.jsp?q=%E5%95%86&x="
				target = (target + strings.Repeat("a1-_~", n))[:n]
				a := v.signIn("https://" + c.shop + target)
				want := target
				if n > c.kept && a.url == "https://"+c.shop+"/" {
					want = "/"
				}
				if a.StatusCode != http.StatusOK || a.url != "https://"+c.shop+want {
					t.Errorf("%d bytes: %s at %.100s", n, a.Status, a.url)
					continue
				}
				all := w.app.take()
				if got := all[len(all)-1]; got.uri != want || got.header.Get("X-Wechat-Nickname") == "" {
					t.Errorf("%d bytes: the app got %.80s of %s", n, got.uri, strconv.Quote(got.header.Get("X-Wechat-Nickname")))
				}
			}
		})
	}
}
