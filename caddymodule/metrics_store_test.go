package caddymodule_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// until scrapes until a series has a value that will do.
func (o *office) until(what, series string, good func(float64) bool) scrape {
	o.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		s := o.scrape()
		value, ok := s.values["caddy_wechat_"+series]
		if ok && good(value) {
			return s
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("%s: %s is %v after a minute (there: %v)", what, series, value, ok)
		}
	}
}

func is(want float64) func(float64) bool { return func(got float64) bool { return got == want } }

// The state of a local store and of its queues.
func TestMetricsOfALocalStore(t *testing.T) {
	var accepts atomic.Bool
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !accepts.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(receiver.Close)
	folder := t.TempDir()
	o := openOfficeWith(t, fmt.Sprintf(`{"store":"local","folder":%q}`, folder),
		fmt.Sprintf(`"webhooks":[{"name":"crm","url":%q,"secrets":["0123456789012345678901234567890123456789"]}],`, receiver.URL))
	o.until("at first", `store_up{store="sessions"}`, is(1))
	o.until("at first", `store_up{store="ledger"}`, is(1))
	s := o.until("at first", "ledger_persons{}", is(0))
	info, err := os.Stat(filepath.Join(folder, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	for series, want := range map[string]float64{
		"ledger_bytes{}": float64(info.Size()), "ledger_replaced_seconds{}": 0, "admission_running{}": 0, "admission_waiting{}": 0,
		`webhook_waiting{webhook="crm"}`: 0, `webhook_dead{webhook="crm"}`: 0, `webhook_oldest_seconds{webhook="crm"}`: 0,
	} {
		if got := s.values["caddy_wechat_"+series]; got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	if age := s.values["caddy_wechat_session_key_age_seconds{}"]; age <= 0 || age > 600 {
		t.Errorf("the key is %v s old", age)
	}
	before := o.scrape()
	ming := o.caller("ming")
	ming.signIn()
	after := o.scrape()
	for call, want := range map[string]float64{
		`{call="save",store="sessions"}`: 1, `{call="observe",store="ledger"}`: 1,
	} {
		series := "caddy_wechat_store_call_duration_seconds_count" + call
		if got := after.values[series] - before.values[series]; got != want {
			t.Errorf("%s rose by %v, want %v", series, got, want)
		}
	}
	o.until("the receiver is down", `webhook_waiting{webhook="crm"}`, is(1))
	o.until("the receiver is down", `webhook_oldest_seconds{webhook="crm"}`, func(age float64) bool { return age > 1 })
	o.until("the receiver is down", `webhook_deliveries_total{result="failed",webhook="crm"}`, func(n float64) bool { return n > 0 })
	accepts.Store(true)
	o.until("the receiver is back", `webhook_waiting{webhook="crm"}`, is(0))
	o.until("the receiver is back", `webhook_oldest_seconds{webhook="crm"}`, is(0))
}

// Redis dies and comes back: store_up tells, errors count, and known sessions
// are served from memory meanwhile.
func TestMetricsOfRedis(t *testing.T) {
	redis := redistest.Standalone(t, redistest.Options{})
	o := openOfficeWith(t, fmt.Sprintf(`{"store":"redis","address":%q}`, redis.URL()), "")
	o.until("at first", `store_up{store="sessions"}`, is(1))
	before := o.until("at first", `store_up{store="ledger"}`, is(1))
	ming := o.caller("ming")
	ming.signIn()
	ming.signIn()
	o.until("a person", "ledger_persons{}", is(1))
	wantMore(t, "signed in", before, o.scrape(), `session_cache_requests_total{result="hit"}`)
	was := redis.Do("hget", "wechat:{l}:meta", "identity").Val()
	redis.Do("hset", "wechat:{l}:meta", "identity", "another")
	o.until("the ledger is another one", "ledger_replaced_seconds{}", func(age float64) bool { return age > 0 })
	redis.Do("hset", "wechat:{l}:meta", "identity", was)
	o.until("the ledger is that of before", "ledger_replaced_seconds{}", is(0))
	redis.Kill()
	before = o.scrape()
	ming.signIn()
	o.until("Redis is dead", `store_up{store="sessions"}`, is(0))
	o.until("Redis is dead", `store_up{store="ledger"}`, is(0))
	time.Sleep(time.Second) // longer than an answer is used without asking
	ming.signIn()
	after := o.scrape()
	wantMore(t, "Redis is dead", before, after, `session_cache_requests_total{result="stale"}`)
	wantMore(t, "Redis is dead", before, after, `store_errors_total{call="load",store="sessions"}`)
	hong := o.caller("hong")
	hong.get(hong.client)
	wantMore(t, "a new visitor", before, o.scrape(), `store_errors_total{call="find",store="ledger"}`, `store_errors_total{call="ready",store="ledger"}`,
		`sign_ins_finished_total{account="default",outcome="store_unavailable",way="browser"}`)
	redis.Restart()
	o.until("Redis is back", `store_up{store="sessions"}`, is(1))
	o.until("Redis is back", `store_up{store="ledger"}`, is(1))
}

// wantMore fails unless one of some counters has risen.
func wantMore(t *testing.T, when string, before, after scrape, series ...string) {
	t.Helper()
	for _, s := range series {
		if after.values["caddy_wechat_"+s] > before.values["caddy_wechat_"+s] {
			return
		}
	}
	t.Errorf("%s: none of %q rose: %v", when, series, after.rose(before))
}

// Attack: a store that takes connections and never answers must not hang those
// who read the metrics, nor fill the process with questions.
func TestAttackAStoreThatHangsHangsNoScrape(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			defer func() { _ = connection.Close() }() // when the listener is closed
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	o := openEverything(t, fmt.Sprintf(`{"store":"redis","address":"redis://%s/0"}`, listener.Addr()))
	for range 5 {
		s := o.scrape() // the client's time is bounded by the test's
		for _, store := range []string{"sessions", "ledger"} {
			if up := s.values[fmt.Sprintf(`caddy_wechat_store_up{store=%q}`, store)]; up != 0 {
				t.Errorf("%s is up: %v", store, up)
			}
		}
	}
	if asked.Load() == 0 {
		t.Error("the store was never asked")
	}
}
