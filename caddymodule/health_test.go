package caddymodule_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// probe asks the site as a load balancer does: by IP address, without a
// session, and for a Host that is none.
func (o *office) probe(method, path string) (status int, body string, header http.Header) {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), method, o.site+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	request.Host = "-_..,"
	if method == http.MethodHead {
		request.Host = "10.1.2.3:8080"
	}
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		// Caddy may close a connection that it accepts while it reloads, unread.
		// Browsers and load balancers then ask once more.
		response, err = client.Do(request)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(b)), response.Header
}

// isReady compares the answer of ready, and how long it took.
func (o *office) isReady(when string, status int, parts string) {
	o.t.Helper()
	begun := time.Now()
	got, body, _ := o.probe(http.MethodGet, "/_wechat/ready")
	if got != status || !strings.Contains(body, `"parts":{`+parts+`}`) {
		o.t.Errorf("%s: %d %s, want %d with %s", when, got, body, status, parts)
	}
	if took := time.Since(begun); took > 5*time.Second {
		o.t.Errorf("%s: it took %v", when, took)
	}
}

// eventuallyReady waits for a status of ready.
func (o *office) eventuallyReady(status int) {
	o.t.Helper()
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		got, body, _ := o.probe(http.MethodGet, "/_wechat/ready")
		if got == status {
			return
		}
		if time.Since(begun) > 20*time.Second {
			o.t.Fatalf("ready is %d %s, want %d", got, body, status)
		}
	}
}

const allOK = `"keys":"ok","ledger":"ok","store":"ok"`

// What load balancers get from a site, without a session.
func TestHealthEndpoints(t *testing.T) {
	o := openOffice(t, local(t))
	for name, test := range map[string]struct {
		method, path string
		status       int
		body         string
	}{
		"health":      {http.MethodGet, "/_wechat/health", 200, `{"code":200}`},
		"HEAD health": {http.MethodHead, "/_wechat/health", 200, ""},
		"ready":       {http.MethodGet, "/_wechat/ready", 200, `{"code":200,"parts":{` + allOK + `,"wechat":"unknown"}}`},
		"a query":     {http.MethodGet, "/_wechat/ready?verbose", 200, `{"code":200,"parts":{` + allOK + `,"wechat":"unknown"}}`},
		"HEAD ready":  {http.MethodHead, "/_wechat/ready", 200, ""},
		"POST ready":  {http.MethodPost, "/_wechat/ready", 405, `{"code":405,"error":"method_not_allowed","message":"Use GET or HEAD."}`},
		"PUT health":  {http.MethodPut, "/_wechat/health", 405, `{"code":405,"error":"method_not_allowed","message":"Use GET or HEAD."}`},
	} {
		t.Run(name, func(t *testing.T) {
			status, body, header := o.probe(test.method, test.path)
			if status != test.status || body != test.body {
				t.Errorf("%d %s, want %d %s", status, body, test.status, test.body)
			}
			if header.Get("Cache-Control") != "no-store" || header.Get("Location") != "" || len(header["Set-Cookie"]) != 0 {
				t.Errorf("header %v", header)
			}
		})
	}
	o.caller("ming").signIn()
	o.isReady("after a sign-in", 200, allOK+`,"wechat":"ok"`)
}

// `health off` leaves nothing: the paths are as unknown as any other.
func TestHealthOff(t *testing.T) {
	o := openOffice(t, local(t))
	o.load(strings.Replace(o.config, `"scope":"snsapi_base"`, `"scope":"snsapi_base","health":"off"`, 1))
	for _, path := range []string{"/_wechat/health", "/_wechat/ready"} {
		if status, body, _ := o.probe(http.MethodHead, path); status != http.StatusNotFound {
			t.Errorf("%s: %d %s, want 404", path, status, body)
		}
	}
	o.must(http.MethodGet, "/wechat/ready", "", http.StatusOK)
}

// readyDetails are the fields of GET /wechat/ready that docs/health.md promises.
type readyDetails struct {
	Ready bool
	Parts map[string]struct {
		State, Error   string
		Since, Checked time.Time
		LatencyMS      *float64 `json:"latency_ms"`
	}
	WeChat   struct{ State, Call, At, Error string }
	Store    struct{ Kind, Persistence string }
	Warnings []struct{ Warning, Message string }
}

func (o *office) details(status int) readyDetails {
	o.t.Helper()
	var d readyDetails
	text := o.must(http.MethodGet, "/wechat/ready", "", status)
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		o.t.Fatal(err)
	}
	for part, p := range d.Parts {
		if p.Since.IsZero() || p.Checked.Before(p.Since) || p.LatencyMS == nil || (p.State == "failed") != (p.Error != "") {
			o.t.Errorf("%s is %+v in %s", part, p, text)
		}
	}
	if len(d.Parts) != 3 || d.Warnings == nil {
		o.t.Errorf("%s", text)
	}
	return d
}

func TestAdminReady(t *testing.T) {
	o := openOffice(t, local(t))
	d := o.details(http.StatusOK)
	if !d.Ready || d.Store.Kind != "local" || d.Store.Persistence != "disk" || len(d.Warnings) != 0 || d.WeChat.State != "unknown" || d.WeChat.At != "" {
		t.Errorf("%+v", d)
	}
	if status, answer, header := o.call(http.MethodPost, "/wechat/ready", ""); status != http.StatusMethodNotAllowed || header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %s", status, answer)
	}
	if status, answer, header := o.call(http.MethodHead, "/wechat/ready", ""); status != http.StatusOK || answer != "" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("HEAD: %d %s", status, answer)
	}
}

func TestAdminReadyWithoutAnApp(t *testing.T) {
	o := openOffice(t, "")
	if got := o.must(http.MethodGet, "/wechat/ready", "", http.StatusServiceUnavailable); !strings.Contains(got, "no wechat block") {
		t.Error(got)
	}
}

// An outage of WeChat, and a code that WeChat refuses, take nobody out of
// service; both are shown.
func TestReadyWithoutWeChat(t *testing.T) {
	o := openOffice(t, local(t))
	dead := freeAddresses(t, 1)[0]
	o.load(strings.Replace(o.config, `"api_url":"`+o.simAt, `"api_url":"http://`+dead, 1))
	if status, body := o.caller("ming").get(o.caller("ming").client); status == http.StatusOK {
		t.Fatalf("a sign-in without WeChat: %.200s", body)
	}
	o.isReady("without WeChat", 200, allOK+`,"wechat":"failed"`)
	d := o.details(http.StatusOK)
	if !d.Ready || d.WeChat.State != "failed" || d.WeChat.Call != "exchange" || !strings.Contains(d.WeChat.Error, "no connection") || d.WeChat.At == "" {
		t.Errorf("%+v", d)
	}
	if strings.Contains(d.WeChat.Error, simSecret) || strings.Contains(d.WeChat.Error, "code=") {
		t.Errorf("the error shows a secret: %s", d.WeChat.Error)
	}
}

// A Redis that hangs, or is gone, is found within seconds and does not keep a
// balancer waiting. Its return is found, too.
func TestReadyFollowsRedis(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{Username: "gateway", Password: "pa55word-of-Redis", AppendOnly: true})
	o := openOffice(t, redisConfig(server))
	o.eventuallyReady(http.StatusOK)
	if d := o.details(http.StatusOK); d.Store.Kind != "redis" || d.Store.Persistence != "disk" || len(d.Warnings) != 0 {
		t.Errorf("%+v", d)
	}
	for name, outage := range map[string]struct{ begin, end func() }{
		"hangs": {func() { server.Pause(0) }, server.Resume},
		"dead":  {server.Kill, server.Restart},
	} {
		t.Run(name, func(t *testing.T) {
			outage.begin()
			time.Sleep(1100 * time.Millisecond) // results of before are not used any more
			o.isReady("without Redis", 503, `"keys":"ok","ledger":"failed","store":"failed","wechat":"unknown"`)
			d := o.details(http.StatusServiceUnavailable)
			if d.Ready || d.Store.Persistence != "unknown" || d.Parts["keys"].State != "ok" {
				t.Errorf("%+v", d)
			}
			if text := o.must(http.MethodGet, "/wechat/ready", "", http.StatusServiceUnavailable); strings.Contains(text, "pa55word") {
				t.Errorf("it shows the password: %s", text)
			}
			if status, _, _ := o.probe(http.MethodGet, "/_wechat/health"); status != http.StatusOK {
				t.Errorf("health: %d", status)
			}
			outage.end()
			o.eventuallyReady(http.StatusOK)
		})
	}
}

// A Redis that starts after the gateway is found; that it keeps nothing on disk
// is a warning and does not decide.
func TestReadyWithoutRedisAtTheStart(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{})
	server.Kill()
	o := openOffice(t, redisConfig(server))
	o.isReady("before Redis", 503, `"keys":"ok","ledger":"failed","store":"failed","wechat":"unknown"`)
	server.Restart()
	o.eventuallyReady(http.StatusOK)
	d := o.details(http.StatusOK)
	if d.Store.Persistence != "none" || len(d.Warnings) != 1 || d.Warnings[0].Warning != "no_persistence" || !strings.Contains(d.Warnings[0].Message, "appendonly yes") {
		t.Errorf("%+v", d)
	}
}

// Attack: strangers ask all the time. Redis is asked about once a second.
func TestAttackFloodOfReady(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{})
	o := openOffice(t, redisConfig(server))
	o.eventuallyReady(http.StatusOK)
	if err := server.Do("config", "resetstat").Err(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 250 {
				if status, body, _ := o.probe(http.MethodGet, "/_wechat/ready"); status != http.StatusOK {
					t.Errorf("%d %s", status, body)
				}
			}
		})
	}
	work.Wait()
	most := int(time.Since(begun).Seconds()) + 2
	stats, err := server.Do("info", "commandstats").Text()
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(stats, "cmdstat_exists:calls=")
	calls, _, _ := strings.Cut(after, ",")
	var n int
	if found {
		if err := json.Unmarshal([]byte(calls), &n); err != nil {
			t.Fatal(err)
		}
	}
	if n > most {
		t.Errorf("2000 requests in %v asked Redis %d times, want %d at most", time.Since(begun), n, most)
	}
}

// Reloads take no gateway out of service.
func TestReadyDuringReloads(t *testing.T) {
	for name, store := range map[string]func(*testing.T) string{
		"local": local,
		"redis": func(t *testing.T) string { return redisConfig(redistest.Standalone(t, redistest.Options{})) },
	} {
		t.Run(name, func(t *testing.T) {
			o := openOffice(t, store(t))
			o.eventuallyReady(http.StatusOK)
			done := make(chan struct{})
			var work sync.WaitGroup
			work.Go(func() {
				slow := false // a busy disk took more than a second: that is not ready, whatever is loaded
				for {
					select {
					case <-done:
						return
					default:
					}
					begun := time.Now()
					status, body, _ := o.probe(http.MethodGet, "/_wechat/ready")
					slow = status != http.StatusOK && (slow || time.Since(begun) >= time.Second)
					if status != http.StatusOK && !slow {
						t.Errorf("%d %s", status, body)
						return
					}
				}
			})
			for _, consent := range []string{"redirect", "page", "redirect"} {
				o.load(strings.Replace(o.config, `"scope":"snsapi_base"`, `"scope":"snsapi_base","consent":"`+consent+`"`, 1))
			}
			close(done)
			work.Wait()
		})
	}
}
