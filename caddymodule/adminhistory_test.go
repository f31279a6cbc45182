package caddymodule_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// historySums adds the buckets of GET /wechat/history up.
type historySums struct {
	since              time.Time
	started, calls     uint64
	finished, errcodes map[string]uint64
}

func (o *office) history() historySums {
	o.t.Helper()
	answer := o.must("GET", "/wechat/history", "", http.StatusOK)
	var h struct {
		Since   time.Time
		Step    int `json:"step_seconds"`
		Buckets []struct {
			From               time.Time
			Started            uint64
			Finished, Errcodes map[string]uint64
			Latency            *struct {
				Calls uint64
				P50   float64 `json:"p50_ms"`
				P95   float64 `json:"p95_ms"`
			}
		}
	}
	if err := json.Unmarshal([]byte(answer), &h); err != nil || h.Step != 300 || len(h.Buckets) == 0 {
		o.t.Fatalf("%s (%v)", answer, err)
	}
	s := historySums{since: h.Since, finished: map[string]uint64{}, errcodes: map[string]uint64{}}
	for _, b := range h.Buckets {
		if b.From.Unix()%300 != 0 || b.From.After(time.Now()) || b.From.Before(h.Since.Add(-5*time.Minute)) {
			o.t.Errorf("a bucket begins at %s", b.From)
		}
		s.started += b.Started
		for outcome, n := range b.Finished {
			s.finished[outcome] += n
		}
		for code, n := range b.Errcodes {
			s.errcodes[code] += n
		}
		if b.Latency != nil {
			s.calls += b.Latency.Calls
			if b.Latency.P50 <= 0 || b.Latency.P95 < b.Latency.P50 {
				o.t.Errorf("latency %+v", b.Latency)
			}
		}
	}
	return s
}

// The history has what visitors did, is kept through a reload, and begins anew
// with the process. Nothing in it is about one visitor.
func TestAdminHistory(t *testing.T) {
	o := openOffice(t, local(t))
	if h := o.history(); h.started != 0 || len(h.finished) != 0 || len(h.errcodes) != 0 || h.calls != 0 {
		t.Errorf("before any visit: %+v", h)
	}
	o.caller("ming").signIn()
	h := o.history()
	if h.started != 1 || !maps.Equal(h.finished, map[string]uint64{"signed_in": 1}) || !maps.Equal(h.errcodes, map[string]uint64{"0": 1}) || h.calls != 1 {
		t.Errorf("after a sign-in: %+v", h)
	}
	o.load(strings.Replace(o.config, `"wechat":{`, `"wechat":{"profile_max_age":"7d",`, 1))
	if again := o.history(); again.started != 1 || !again.since.Equal(h.since) {
		t.Errorf("after a reload: %+v, before: %+v", again, h)
	}
	o.caller("hong").signIn()
	if h := o.history(); h.started != 2 || h.finished["signed_in"] != 2 {
		t.Errorf("after the reload, the second sign-in: %+v", h)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	o.load(o.config)
	if h := o.history(); h.started != 0 {
		t.Errorf("after a restart: %+v", h)
	}
	if status, answer, _ := o.call("GET", "/wechat/history?hours=48", ""); status != http.StatusBadRequest {
		t.Errorf("a parameter is ignored: %d %s", status, answer)
	}
}

// The pushes of each account: what became of them, and when the last one came.
func TestAdminPushes(t *testing.T) {
	o := openOffice(t, local(t))
	if answer := o.must("GET", "/wechat/pushes", "", http.StatusOK); answer != "[]\n" {
		t.Errorf("without message push: %s", answer)
	}
	o.load(strings.Replace(o.config, `"{env.SECRET}"`, `"{env.SECRET}","name":"listed","push":{"tokens":["tokenOfTheTest1"]}`, 1))
	type summary struct {
		Account, Path string
		Results       map[string]uint64
		Waiting       int
		LastPush      *time.Time `json:"last_push"`
		LastVerified  *time.Time `json:"last_verified"`
	}
	read := func() summary {
		t.Helper()
		var list []summary
		answer := o.must("GET", "/wechat/pushes", "", http.StatusOK)
		if err := json.Unmarshal([]byte(answer), &list); err != nil || len(list) != 1 || strings.Contains(answer, "tokenOfTheTest1") {
			t.Fatalf("%s (%v)", answer, err)
		}
		return list[0]
	}
	if s := read(); s.Account != "listed" || s.Path != "/_wechat/push/listed" || s.Results["received"] != 0 || s.LastPush != nil || s.LastVerified != nil {
		t.Errorf("at first: %+v", s)
	}
	send := func(method, token, body string) {
		t.Helper()
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		query := url.Values{"timestamp": {stamp}, "nonce": {"1"}, "echostr": {"e"}, "signature": {wechat.PushSignature(wechat.NewSecret(token), stamp, "1")}}
		request, err := http.NewRequestWithContext(t.Context(), method, o.site+"/_wechat/push/listed?"+query.Encode(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	send("GET", "tokenOfAnother", "")
	if s := read(); s.Results["refused"] != 1 || s.LastVerified != nil {
		t.Errorf("after a forged check: %+v", s)
	}
	send("GET", "tokenOfTheTest1", "")
	if s := read(); s.Results["verified"] != 1 || s.LastVerified == nil || time.Since(*s.LastVerified) > time.Minute || s.LastPush != nil {
		t.Errorf("after WeChat's check: %+v", s)
	}
	send("POST", "tokenOfTheTest1", "<xml><MsgType>text</MsgType></xml>")
	if s := read(); s.Results["received"] != 1 || s.LastPush == nil || time.Since(*s.LastPush) > time.Minute {
		t.Errorf("after a push: %+v", s)
	}
}
