package wechattest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// started serves until the test ends, and returns where.
func started(t *testing.T, o Options) (address string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan net.Addr, 1), make(chan error, 1)
	o.Ready = func(a net.Addr) { ready <- a }
	go func() { done <- Serve(ctx, o) }()
	select {
	case a := <-ready:
		return "http://" + a.String(), func() error { cancel(); return <-done }
	case err := <-done:
		cancel()
		t.Fatalf("Serve: %v", err)
		return "", nil
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	address, stop := started(t, Options{Listen: "127.0.0.1:0", AnyUserAgent: true, Log: &log})
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for path, want := range map[string]int{
		"/": http.StatusOK,
		authorizeURL(DefaultAppID, "http://localhost:8080/cb", scopeBase, "a"): http.StatusFound,
		DefaultPersons()[2].AvatarURL:                                          http.StatusOK,
	} {
		r, err := client.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	for _, want := range []string{"open_url " + address, "api_url " + address, "app_id " + DefaultAppID, "goes back, scope=snsapi_base"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log: %s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "WARNING") || strings.Contains(log.String(), "code=0") {
		t.Errorf("the log says too much: %s", log.String())
	}
}

// Avatars of the simulator have an address of their own.
func TestServeAvatarAddress(t *testing.T) {
	t.Parallel()
	s := New(Config{Accounts: DefaultAccounts(), Persons: DefaultPersons()})
	defer s.Close()
	v := call(t, s, tokenPath(DefaultAppID, DefaultSecret, s.IssueCode("aqiang", DefaultAppID, scopeUserInfo)))
	if info := call(t, s, userInfoPath(v)); info.Avatar != "http://127.0.0.1:9801"+avatarPath+"aqiang/132" || info.Nickname != "阿强🚀" {
		t.Errorf("%+v", info)
	}
	if info := text(t, get(s, "https://127.0.0.1:9801"+userInfoPath(v))); !strings.Contains(info, `https:\/\/127.0.0.1:9801\/mmopen`) {
		t.Error(info)
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"0.0.0.0:0", ":0", "10.1.2.3:0", "[::]:0", "example.com:0", "localhost.example.com:0"} {
		if err := Serve(t.Context(), Options{Listen: listen}); !errors.Is(err, ErrNotLoopback) {
			t.Errorf("%s: %v", listen, err)
		}
	}
	for name, o := range map[string]Options{
		"no port":     {Listen: "127.0.0.1"},
		"bad account": {Listen: "127.0.0.1:0", Accounts: []Account{{}}},
		"bad port":    {Listen: "127.0.0.1:99999"},
	} {
		if err := Serve(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPublicIsLoud(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	config, err := Options{
		Listen: "0.0.0.0:9801", AllowPublic: true, Log: &log, Accounts: []Account{{AppID: shop, Secret: shopSecret}},
	}.config()
	if err != nil || len(config.ControlHosts) != 1 || config.ControlHosts[0] != "*" {
		t.Fatalf("%+v, %v", config, err)
	}
	welcome(config, &net.TCPAddr{IP: net.IPv4zero, Port: 9801})
	if !strings.Contains(log.String(), "EVERYBODY") || strings.Contains(log.String(), shopSecret) {
		t.Errorf("the log: %s", log.String())
	}
}

// An answer that hangs does not hold up the end.
func TestServeEndsHangingAnswers(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newSim(t)
	set(t, s, Quirks{Hang: Knob{On: true, Next: 1}})
	ctx, cancel := context.WithCancel(t.Context())
	ended, left := make(chan error, 1), make(chan error, 1)
	go func() { ended <- run(ctx, listener, s) }()
	go func() {
		r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + listener.Addr().String() + "/sns/auth")
		if err == nil {
			_ = r.Body.Close()
		}
		left <- err
	}()
	for s.Quirks().Hang.On {
		time.Sleep(time.Millisecond)
	}
	begin := time.Now()
	cancel()
	if err := <-ended; err != nil || time.Since(begin) > 4*time.Second {
		t.Errorf("ended after %s: %v", time.Since(begin), err)
	}
	if err := <-left; err == nil {
		t.Error("the answer came")
	}
}

func TestRunFails(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if err := run(t.Context(), listener, New(Config{})); !errors.Is(err, net.ErrClosed) {
		t.Errorf("run: %v", err)
	}
}
