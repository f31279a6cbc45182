package packages

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	root = "../.." // of the repository

	appID     = "wx1234567890abcdef" // the simulator's official account
	appSecret = "a5ec0000000000000000000000000001"
	phoneUA   = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003226) NetType/WIFI Language/zh_CN"
)

// scratch is a folder for all tests.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "packages-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// gateway is the binary as the Dockerfile and a release build it.
var gateway = sync.OnceValues(func() (string, error) {
	file := filepath.Join(scratch, "wechat-gateway")
	build := exec.Command("go", "build", "-C", root, "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X github.com/caddy-wechat/gateway/caddymodule.stamp=v1.2.3", "-o", file, "./cmd/wechat-gateway")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the gateway: %w\n%s", err, out)
	}
	return file, nil
})

func binary(t *testing.T) string {
	t.Helper()
	file, err := gateway()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// installed finds a program that a Debian package brings.
func installed(t *testing.T, name, debian string) string {
	t.Helper()
	file, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing; apt-get install --no-install-recommends %s", name, debian)
	}
	return file
}

// program is one that runs until the test ends.
type program struct {
	t       *testing.T
	command *exec.Cmd
	output  output
	ended   chan struct{}
}

// until waits until ready says yes.
func (p *program) until(what string, ready func() bool) {
	p.t.Helper()
	for timeout := time.After(time.Minute); !ready(); {
		select {
		case <-p.ended:
			p.t.Fatalf("%s: %v has ended", what, p.command.Args)
		case <-timeout:
			p.t.Fatalf("%s: not within a minute", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// output is what a program has written so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func read(t *testing.T, names ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(names...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// write writes a file, and the folders above it, that a group may read.
func write(t *testing.T, name, content string, group int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(name, 0, group); err != nil {
		t.Fatal(err)
	}
}

// get asks a site of the network, as a phone's browser that navigates.
func (n *network) get(client *http.Client, address string, header ...string) (status int, body string, err error) {
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("User-Agent", phoneUA)
	request.Header.Set("Accept", "text/html")
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			request.Host = header[i+1]
		}
		request.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

// ready waits until a site answers that it is ready.
func (n *network) ready(p *program, address, host string) {
	n.t.Helper()
	var last string
	n.t.Cleanup(func() {
		if n.t.Failed() {
			n.t.Logf("the last answer of %s: %s", address, last)
		}
	})
	p.until(address+" is ready", func() bool {
		status, body, err := n.get(n.client, address+"/_wechat/ready", "Host", host)
		last = fmt.Sprint(status, body, err)
		return err == nil && status == http.StatusOK && strings.Contains(body, `"code":200`)
	})
}

// signsIn opens a page as a visitor, goes through the simulated WeChat, and
// expects the app to say who the visitor is. Names of sites lead to the ports of
// this network.
func (n *network) signsIn(address string) {
	n.t.Helper()
	n.goesThrough(address, n.client.Transport)
}

func (n *network) goesThrough(address string, transport http.RoundTripper) {
	n.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: transport, Timeout: n.client.Timeout}
	status, body, err := n.get(client, address+"/cart")
	if err != nil || status != http.StatusOK || !strings.Contains(body, "/cart: openid o") {
		n.t.Errorf("the visitor who opens %s reads %d %q, %v", address, status, body, err)
	}
}

// balancer ends TLS of https addresses before a gateway at a port, as an
// ingress does.
type balancer struct {
	next http.RoundTripper
	port string
}

// RoundTrip implements http.RoundTripper.
func (b balancer) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != "https" {
		return b.next.RoundTrip(request)
	}
	passed := request.Clone(request.Context())
	passed.Host = request.URL.Host
	passed.URL.Scheme, passed.URL.Host = "http", "127.0.0.1:"+b.port
	passed.Header.Set("X-Forwarded-Proto", "https")
	passed.Header.Set("X-Forwarded-For", "203.0.113.7")
	response, err := b.next.RoundTrip(passed)
	if response != nil {
		response.Request = request // for redirects and cookies
	}
	return response, err
}

// signsInBehind is signsIn with a balancer before a gateway at a port.
func (n *network) signsInBehind(port, address string) {
	n.t.Helper()
	n.goesThrough(address, balancer{n.client.Transport, port})
}

// runShop runs an app that says who its visitor is.
func (n *network) runShop(port string) {
	n.serve(port, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s: openid %s", r.URL.Path, r.Header.Get("X-Wechat-Openid"))
	}))
}

// simulated makes a Caddyfile ask the simulated WeChat of this network, and sign
// visitors in without a question.
func simulated(t *testing.T, caddyfile string) string {
	t.Helper()
	caddyfile = strings.Replace(caddyfile, "\n\twechat_auth\n", "\n\twechat_auth {\n\t}\n", 1)
	for _, block := range [][2]string{{"wechat", "open_url http://127.0.0.1:9801\n\t\tapi_url http://127.0.0.1:9801"}, {"wechat_auth", "scope snsapi_base"}} {
		begin := "\n\t" + block[0] + " {\n"
		caddyfile = strings.Replace(caddyfile, begin, begin+"\t\t"+block[1]+"\n", 1)
	}
	if strings.Count(caddyfile, "127.0.0.1:9801") != 2 || strings.Count(caddyfile, "scope snsapi_base") != 1 {
		t.Fatalf("the Caddyfile has another form:\n%s", caddyfile)
	}
	return caddyfile
}

func (n *network) runSimulator(domain string) {
	n.t.Helper()
	p := n.start(exec.Command(binary(n.t), "wechat", "simulate", "--account", "secret="+appSecret+",domain="+domain))
	p.until("the simulator", func() bool { return strings.Contains(p.output.String(), "control page") })
}

func asExit(err error, exit **exec.ExitError) bool { return errors.As(err, exit) }

// credential reads a numeric user and group.
func credential(t *testing.T, user string) *syscall.Credential {
	t.Helper()
	uid, gid, _ := strings.Cut(user, ":")
	u, err := strconv.ParseUint(uid, 10, 32)
	g, err2 := strconv.ParseUint(gid, 10, 32)
	if err != nil || err2 != nil || u == 0 || g == 0 {
		t.Fatalf("the user is %q, want numbers other than 0: Kubernetes checks runAsNonRoot by them", user)
	}
	return &syscall.Credential{Uid: uint32(u), Gid: uint32(g)}
}

var stopOption = regexp.MustCompile(`(?m)^\t(?:shutdown_delay|grace_period) (\S+)$`)

// stopping is how long a gateway with this Caddyfile may take to stop.
func stopping(t *testing.T, caddyfile string) (sum time.Duration) {
	t.Helper()
	found := stopOption.FindAllStringSubmatch(caddyfile, -1)
	if len(found) != 2 {
		t.Fatalf("shutdown_delay and grace_period: %q", found)
	}
	for _, option := range found {
		d, err := time.ParseDuration(option[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += d
	}
	return sum
}
