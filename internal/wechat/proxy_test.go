package wechat

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

// proxyChild makes TestProxyChild the other half of TestProxyFromEnvironment.
const proxyChild = "WECHAT_TEST_PROXY_CHILD"

// TestProxyChild runs in a process of its own, for net/http reads the
// environment once. Anywhere else it has nothing to do.
func TestProxyChild(t *testing.T) {
	if os.Getenv(proxyChild) == "" {
		return
	}
	err := calls["exchange"](t, &Client{APIURL: "https://weixin.invalid"})
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("not unavailable: %v", err)
	}
	t.Log(forms(err))
}

func TestProxyFromEnvironment(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.RequestURI)
		w.WriteHeader(http.StatusForbidden)
	}))
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0)
	proxy.Start()
	defer proxy.Close()
	address := strings.Replace(proxy.URL, "//", "//user:proxy-pass-1@", 1)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxyChild$", "-test.v")
	child.Env = append(os.Environ(), proxyChild+"=1", "HTTPS_PROXY="+address, "https_proxy="+address, "NO_PROXY=", "no_proxy=")
	out, err := child.CombinedOutput()
	if text := string(out); err != nil || !strings.Contains(text, "Forbidden") || strings.Contains(text, "proxy-pass-1") {
		t.Errorf("%v\n%s", err, out)
	}
	if asked.Load() != "CONNECT weixin.invalid:443" {
		t.Errorf("the proxy was asked for %v", asked.Load())
	}
}
