package command

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/caddymodule"
)

// runningConsole is a console, its terminal, and a browser in front of it.
type runningConsole struct {
	t       *testing.T
	enter   io.Writer    // where keys are pressed
	printed *screen      // what the terminal shows
	client  *http.Client // a browser's
	base    string       // address of the first page
	csrf    string       // of the last page
	ended   chan error   // when the command ends
	stop    context.CancelFunc
}

// screen is what a terminal shows, line by line.
type screen struct{ lines chan string }

func (b *screen) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		b.lines <- line
	}
	return len(p), nil
}

var consoleAddress = regexp.MustCompile(`http://(127\.0\.0\.1|localhost):\d+/enter\?token=[\w-]{43}`)

// address waits for the next address on the terminal.
func (c *runningConsole) address() string {
	c.t.Helper()
	for {
		select {
		case line := <-c.printed.lines:
			if found := consoleAddress.FindString(line); found != "" {
				return found
			}
		case err := <-c.ended:
			c.t.Fatalf("the console has ended: %v", err)
		case <-time.After(20 * time.Second):
			c.t.Fatal("no address is printed")
		}
	}
}

// openConsole runs the console for an admin endpoint, and enters it.
func openConsole(t *testing.T, admin string) *runningConsole {
	t.Helper()
	c := openConsoleAt(t, admin, "127.0.0.1:0")
	answer, body := c.get(c.address())
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("entering: %d %s", answer.StatusCode, body)
	}
	c.base = strings.TrimSuffix(answer.Request.URL.String(), "/")
	return c
}

// openConsoleAt runs the console on an address.
func openConsoleAt(t *testing.T, admin, listen string) *runningConsole {
	t.Helper()
	keys, press := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &runningConsole{
		t: t, enter: press, printed: &screen{make(chan string, 100)}, ended: make(chan error, 1), stop: stop,
		client: &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: new(http.Transport)},
	}
	o := operatorConsole{examine: caddymodule.Examine, endpoint: endpoint{address: admin}, listen: listen}
	go func() { c.ended <- o.run(ctx, keys, c.printed) }()
	t.Cleanup(func() {
		stop()
		_ = press.Close() // never fails
		if err := <-c.ended; err != nil {
			t.Errorf("the console ended with %v", err)
		}
	})
	return c
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

func (c *runningConsole) do(r *http.Request) (*http.Response, string) {
	c.t.Helper()
	answer, err := c.client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if found := csrfField.FindSubmatch(body); found != nil {
		c.csrf = string(found[1])
	}
	return answer, string(body)
}

func (c *runningConsole) get(address string) (*http.Response, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", "en")
	return c.do(r)
}

// post sends a form and follows where it leads.
func (c *runningConsole) post(path string, form url.Values) (*http.Response, string) {
	c.t.Helper()
	form.Set("csrf", c.csrf)
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", "en")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return c.do(r)
}

// sees opens a page and wants words on it.
func (c *runningConsole) sees(path string, words ...string) {
	c.t.Helper()
	answer, body := c.get(c.base + path)
	for _, word := range words {
		if answer.StatusCode != http.StatusOK || !strings.Contains(body, word) {
			c.t.Errorf("%s: %d, without %q: %s", path, answer.StatusCode, word, body)
		}
	}
}

// The console shows and changes a real gateway, over TCP and a socket.
func TestConsole(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			r := start(t)
			r.do("ledger", "import", file(t, header, line(1), line(2)))
			address := r.address
			if network == "unix" {
				address = "unix/" + forward(t, r.address)
			}
			c := openConsole(t, address)
			c.sees("/", "The gateway can serve visitors", "local file")
			c.sees("/persons/"+personID(1), personID(1), "小明", "Consent")
			c.sees("/keys", "Add a key")
			c.sees("/pushes", "No account has message push")
			if answer, body := c.post("/persons", url.Values{"by": {"openid"}, "for": {"o" + personID(2)[22:]}}); answer.StatusCode != 200 || !strings.HasSuffix(answer.Request.URL.Path, personID(2)) {
				t.Errorf("search: %d %s", answer.StatusCode, body)
			}
			if _, body := c.post("/keys", url.Values{}); !strings.Contains(body, "is added. It seals from") {
				t.Errorf("rotate: %s", body)
			}
			if _, body := c.post("/persons/"+personID(2)+"/sessions", url.Values{}); !strings.Contains(body, "All sessions are ended.") {
				t.Errorf("end sessions: %s", body)
			}
			if _, body := c.post("/persons/"+personID(2)+"/erase", url.Values{"word": {personID(2)[:6]}}); !strings.Contains(body, "The person is erased.") {
				t.Errorf("erase: %s", body)
			}
			if answer, _ := c.get(c.base + "/persons/" + personID(2)); answer.StatusCode != http.StatusNotFound {
				t.Errorf("the person is still there: %d", answer.StatusCode)
			}
		})
	}
}

// forward returns the path of a socket that leads to a TCP address.
func forward(t *testing.T, address string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+address+r.RequestURI, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		request.Header.Set("Origin", "http://"+address)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body) // the test sees what is missing
	})}
	go func() { _ = proxy.Serve(listener) }() // returns when the test ends
	t.Cleanup(func() { _ = proxy.Close() })
	return path
}

// Enter prints another address, with which one enters once, too.
func TestConsolePrintsAnotherAddress(t *testing.T) {
	c := openConsole(t, start(t).address)
	var before string
	for range 2 {
		if _, err := io.WriteString(c.enter, "\n"); err != nil {
			t.Fatal(err)
		}
		next := c.address()
		if next == before {
			t.Error("the address is the same")
		}
		before = next
	}
	if _, err := io.WriteString(c.enter, strings.Repeat("x", 100_000)+"\n"); err != nil {
		t.Fatal(err)
	}
	last := c.address()
	if answer, _ := c.get(before); answer.StatusCode != http.StatusForbidden {
		t.Errorf("an address that was replaced: %d", answer.StatusCode)
	}
	if answer, _ := c.get(last); answer.StatusCode != http.StatusOK {
		t.Errorf("the new address: %d", answer.StatusCode)
	}
}

// Other machines do not reach the console.
func TestAttackConsoleIsPublic(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"0.0.0.0:2020", ":2020", "[::]:2020", "192.0.2.1:2020", "example.com:2020", "2020", ""} {
		o := operatorConsole{endpoint: endpoint{address: "localhost:1"}, listen: listen}
		if err := o.run(t.Context(), strings.NewReader(""), io.Discard); err == nil || !strings.Contains(err.Error(), "only loopback addresses") {
			t.Errorf("%q: %v", listen, err)
		}
	}
}

// Without a gateway the console starts, and its pages say what to do.
func TestConsoleWithoutAGateway(t *testing.T) {
	t.Parallel()
	keys, press := io.Pipe()
	defer press.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	printed := &screen{make(chan string, 100)}
	done := make(chan error, 1)
	o := operatorConsole{examine: caddymodule.Examine, endpoint: endpoint{address: freeLoopback(t, 1)[0]}, listen: "localhost:0"}
	go func() { done <- o.run(ctx, keys, printed) }()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &runningConsole{t: t, printed: printed, ended: done, client: &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}}
	answer, body := c.get(c.address())
	if answer.StatusCode != http.StatusBadGateway || !strings.Contains(body, "The gateway cannot be reached") || !strings.Contains(body, "connection refused") {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Attack: an answer that redirects makes the console, or a command, carry out
// another call.
func TestAttackAdminRedirects(t *testing.T) {
	t.Parallel()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		http.Redirect(w, r, "/wechat/keys/rotate?retire_now=true", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	client, err := (&endpoint{address: strings.TrimPrefix(server.URL, "http://")}).client()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (consoleAdmin{client}).Call(t.Context(), http.MethodPost, "/wechat/x"); err == nil {
		t.Error("the console takes a redirect for success")
	}
	if _, err := client.read(t.Context(), http.MethodDelete, "/wechat/persons/x"); err == nil {
		t.Error("a command takes a redirect for success")
	}
	if len(asked) != 2 {
		t.Errorf("%v", asked)
	}
}
