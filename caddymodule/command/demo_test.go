package command

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// The check walks a whole sign-in and prints it, without what is one-time.
func TestDemoCheck(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	var out bytes.Buffer
	if err := (demo{example: example(t), check: true}).run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"302 Found", "scope=snsapi_base", "scope=snsapi_userinfo", "X-Wechat-Openid: o", "X-Wechat-Nickname: %E5%B0%8F%E6%98%8E", "All is well", "一切正常"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if _, received, _ := strings.Cut(out.String(), "The shop received (商店收到):"); strings.Contains(received, "evil") {
		t.Error("the forged openid reached the shop")
	}
}

// A check listens where it is told to, and else on free ports: it may run
// beside a demo.
func TestDemoCheckListensWhereItIsTold(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Run("addresses", func(t *testing.T) {
		free := freeLoopback(t, 2)
		d := demo{example: example(t), check: true, listen: free[0], wechat: free[1]}
		var out bytes.Buffer
		if err := d.run(t.Context(), &out); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		for _, want := range []string{"GET  http://" + d.listen + "/orders?id=7", "http://" + d.wechat + "/connect/oauth2/authorize?"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in\n%s", want, out.String())
			}
		}
	})
	t.Run("an address that is taken", func(t *testing.T) {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		for _, d := range []demo{{listen: taken.Addr().String()}, {wechat: taken.Addr().String()}} {
			d.example, d.check = example(t), true
			if err := d.run(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "address already in use") {
				t.Errorf("listening on %q and %q: error %v", d.listen, d.wechat, err)
			}
		}
	})
	t.Run("not public", func(t *testing.T) {
		if err := (demo{example: example(t), check: true, listen: "0.0.0.0:0"}).run(t.Context(), io.Discard); err == nil {
			t.Error("a check listens on all interfaces")
		}
	})
}

// freeLoopback returns addresses of loopback where nothing listens, each another
// one. Their ports are below those that the kernel gives away, and below those
// of other packages' tests: no other program gets them meanwhile.
func freeLoopback(t *testing.T, n int) (all []string) {
	t.Helper()
	for range 100 {
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(5000+rand.N(2000)))
		if err != nil {
			continue
		}
		defer listener.Close() // when all are chosen
		if all = append(all, listener.Addr().String()); len(all) == n {
			return all
		}
	}
	t.Fatal("no free port of a hundred")
	return nil
}

// The demo serves until it is told to stop, on loopback only.
func TestDemoRunsUntilStopped(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	d := demo{example: example(t), listen: "127.0.0.1:0", wechat: "127.0.0.1:0"}
	go func() {
		err := d.run(ctx, writer)
		_ = writer.CloseWithError(err) // never fails; a demo that does not start must not keep us waiting
		done <- err
	}()
	buffer := make([]byte, 4096)
	n, err := reader.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(buffer[:n]), "打开商店)       ")
	if !ok {
		t.Fatalf("the demo printed %q", buffer[:n])
	}
	address, _, _ := strings.Cut(rest, "\n")
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusFound || !strings.Contains(response.Header.Get("Location"), "/connect/oauth2/authorize?") {
		t.Errorf("a desktop browser got %s to %s", response.Status, response.Header.Get("Location"))
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The buttons of the control page that withdraw a consent and close an account
// reach the demo's gateway: the visitor's session ends.
func TestDemoObeysAWithdrawal(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for _, button := range []string{"withdraw", "close"} {
		t.Run(button, func(t *testing.T) {
			free := freeLoopback(t, 2)
			d := demo{example: example(t), listen: free[0], wechat: free[1]}
			started, done := runDemo(t, d)
			<-started
			phone := demoPhone(t)
			visit := func(path string) int { return finalStatus(t, phone, http.MethodGet, "http://"+d.listen+path, nil) }
			tap := func(button string) {
				t.Helper()
				form := url.Values{"person": {"xiaoming"}, "account": {wechattest.DefaultAppID}, "codes": {"205"}, "to": {"on"}}
				if status := finalStatus(t, phone, http.MethodPost, "http://"+d.wechat+"/_sim/"+button, form); status != http.StatusOK {
					t.Fatalf("%s: %d", button, status)
				}
			}
			tap("follow") // followers consent silently
			if status := visit("/_wechat/login?return_to=/orders&scope=snsapi_userinfo"); status != http.StatusOK {
				t.Fatalf("the sign-in ended with %d", status)
			}
			if status := visit("/_wechat/session"); status != http.StatusOK {
				t.Fatalf("after the sign-in, the session is answered %d", status)
			}
			tap(button)
			deadline := time.Now().Add(10 * time.Second)
			for visit("/_wechat/session") != http.StatusUnauthorized {
				if time.Now().After(deadline) {
					t.Fatal("the session lives on")
				}
				time.Sleep(20 * time.Millisecond)
			}
			if err := done(); err != nil {
				t.Error(err)
			}
		})
	}
}

// runDemo runs d until done is called. started is closed when the demo has
// printed its addresses, or has failed.
func runDemo(t *testing.T, d demo) (started <-chan struct{}, done func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	reader, writer := io.Pipe()
	first, result := make(chan struct{}), make(chan error, 1)
	go func() {
		_, _ = reader.Read(make([]byte, 1)) // fails when the demo does not start: the visits say so
		close(first)
		_, _ = io.Copy(io.Discard, reader)
	}()
	go func() {
		err := d.run(ctx, writer)
		_ = writer.CloseWithError(err) // never fails
		result <- err
	}()
	return first, func() error {
		cancel()
		return <-result
	}
}

// demoPhone is a browser of WeChat that keeps cookies and follows redirects.
func demoPhone(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 10 * time.Second}
}

// finalStatus sends one request of a page, and returns the status at the end of the
// redirects.
func finalStatus(t *testing.T, phone *http.Client, method, address string, form url.Values) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("User-Agent", phoneUserAgent)
	request.Header.Set("Accept", "text/html")
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := phone.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestDemoRefusesToBePublic(t *testing.T) {
	t.Parallel()
	for _, d := range []demo{{listen: "0.0.0.0:0", wechat: "127.0.0.1:0"}, {listen: "127.0.0.1:0", wechat: ":0"}, {listen: "here", wechat: "127.0.0.1:0"}, {listen: "192.0.2.1:80", wechat: "127.0.0.1:0"}} {
		if err := d.run(t.Context(), io.Discard); err == nil {
			t.Errorf("listening on %s and %s was allowed", d.listen, d.wechat)
		}
	}
}

// Caddyfile.example is what the demo runs: when its lines change, the demo says
// which one it misses.
func TestDemoNamesWhatIsMissingInTheExample(t *testing.T) {
	t.Parallel()
	c := gatewayConfig{site: "127.0.0.1:1", shop: "http://127.0.0.1:2", wechat: "http://127.0.0.1:3", folder: t.TempDir()}
	shipped := example(t)
	if _, err := c.adapt(shipped); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"shop.example.com {", "localhost:8080", "# open_url", "# outside_wechat qr", "# push_token", "# push_aes_key"} {
		if _, err := c.adapt(bytes.Replace(shipped, []byte(line), []byte("#"), 1)); err == nil {
			t.Errorf("without %q the demo does not complain", line)
		}
	}
}

// example is Caddyfile.example, which the root package hands to Register.
func example(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("../../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	return b
}
