package command

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The check walks a whole sign-in and prints it, without what is one-time.
func TestDemoCheck(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	var out bytes.Buffer
	if err := (demo{example: example(t), check: true}).run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"302 Found", "scope=snsapi_base", "scope=snsapi_userinfo", "X-Wechat-Openid: o", "X-Wechat-Nickname: %E5%B0%8F%E6%98%8E", "All is well"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if _, received, _ := strings.Cut(out.String(), "The shop received:"); strings.Contains(received, "evil") {
		t.Error("the forged openid reached the shop")
	}
}

// A check listens where it is told to, and else on free ports: it may run
// beside a demo.
func TestDemoCheckListensWhereItIsTold(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Run("addresses", func(t *testing.T) {
		d := demo{example: example(t), check: true, listen: freeLoopback(t), wechat: freeLoopback(t)}
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

// freeLoopback returns an address of loopback where nothing listens. Its port
// is below those that the kernel gives away: no other program gets it
// meanwhile.
func freeLoopback(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := "127.0.0.1:" + strconv.Itoa(12000+rand.N(2000))
		if listener, err := net.Listen("tcp", address); err == nil {
			_ = listener.Close()
			return address
		}
	}
	t.Fatal("no free port of a hundred")
	return ""
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
	_, rest, ok := strings.Cut(string(buffer[:n]), "打开商城)       ")
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
	for _, line := range []string{"shop.example.com {", "localhost:8080", "# open_url", "# outside_wechat qr"} {
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
