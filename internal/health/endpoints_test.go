package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/health"
)

// endpoints are those of a gateway whose store answers err.
func endpoints(err error, weChat health.State) health.Endpoints {
	fine := func(context.Context) error { return nil }
	return health.Endpoints{
		Monitor: health.NewMonitor(
			health.Check{Part: health.Store, Run: func(context.Context) error { return err }},
			health.Check{Part: health.Keys, Run: fine}, health.Check{Part: health.Ledger, Run: fine}),
		WeChat: func() health.WeChat {
			return health.WeChat{State: weChat, Call: "exchange", At: time.Now(), Err: errors.New("10.0.0.9 refused")}
		},
	}
}

// What a load balancer reads, word for word. Only the three parts and the end
// of the server decide; nothing but states is told.
func TestEndpoints(t *testing.T) {
	broken := errors.New("dial tcp 10.0.0.5:6379: connection refused")
	const (
		allOK = `"parts":{"keys":"ok","ledger":"ok","store":"ok","wechat":"ok"}`
		noSto = `"parts":{"keys":"ok","ledger":"ok","store":"failed","wechat":"unknown"}`
	)
	for name, test := range map[string]struct {
		method, path string
		err          error
		weChat       health.State
		stopping     bool
		status       int
		body         string
	}{
		"health":                  {http.MethodGet, "health", nil, health.OK, false, 200, `{"code":200}`},
		"health without a store":  {http.MethodGet, "health", broken, health.OK, false, 200, `{"code":200}`},
		"health at the end":       {http.MethodGet, "health", nil, health.OK, true, 200, `{"code":200}`},
		"ready":                   {http.MethodGet, "ready", nil, health.OK, false, 200, `{"code":200,` + allOK + `}`},
		"ready without WeChat":    {http.MethodGet, "ready", nil, health.Failed, false, 200, `{"code":200,` + strings.Replace(allOK, `"wechat":"ok"`, `"wechat":"failed"`, 1) + `}`},
		"ready without a store":   {http.MethodGet, "ready", broken, health.Unknown, false, 503, `{"code":503,"error":"not_ready","message":"A part of the gateway does not work.",` + noSto + `}`},
		"ready at the end":        {http.MethodGet, "ready", nil, health.OK, true, 503, `{"code":503,"error":"stopping","message":"This server is shutting down.",` + allOK + `}`},
		"HEAD ready":              {http.MethodHead, "ready", nil, health.OK, false, 200, `{"code":200,` + allOK + `}`}, // net/http leaves the body out
		"HEAD ready, not":         {http.MethodHead, "ready", broken, health.Unknown, false, 503, `{"code":503,"error":"not_ready","message":"A part of the gateway does not work.",` + noSto + `}`},
		"POST ready":              {http.MethodPost, "ready", nil, health.OK, false, 405, `{"code":405,"error":"method_not_allowed","message":"Use GET or HEAD."}`},
		"DELETE health":           {http.MethodDelete, "health", nil, health.OK, false, 405, `{"code":405,"error":"method_not_allowed","message":"Use GET or HEAD."}`},
		"a path below":            {http.MethodGet, "ready/x", nil, health.OK, false, 0, ""},
		"a path of another part":  {http.MethodGet, "session", nil, health.OK, false, 0, ""},
		"the path of all of them": {http.MethodGet, "", nil, health.OK, false, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(test.method, "http://10.0.0.7/_wechat/"+test.path, nil)
			served := endpoints(test.err, test.weChat).Serve(w, r, test.path, test.stopping)
			if served != (test.status != 0) {
				t.Fatalf("served: %v", served)
			}
			if !served {
				return
			}
			if w.Code != test.status || strings.TrimSpace(w.Body.String()) != test.body {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, test.status, test.body)
			}
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control: %q", got)
			}
			if retry := w.Header().Get("Retry-After"); (retry != "") != (test.status == http.StatusServiceUnavailable) {
				t.Errorf("Retry-After: %q", retry)
			}
		})
	}
}

// The fields that scripts and the doctor read.
func TestDetails(t *testing.T) {
	e := endpoints(errors.New("refused"), health.Failed)
	report := e.Monitor.Ask()
	for name, test := range map[string]struct {
		details health.Details
		want    string
	}{
		"trouble": {
			health.NewDetails(report, health.WeChat{State: health.Failed, Call: "exchange", At: time.Unix(1, 0), Err: errors.New("busy")},
				health.StoreDetails{Kind: "redis", Persistence: health.InMemoryOnly}),
			`{"ready":false,"parts":{"keys":{"state":"ok","since":"…","checked":"…","latency_ms":0},"ledger":{"state":"ok","since":"…","checked":"…","latency_ms":0},` +
				`"store":{"state":"failed","since":"…","checked":"…","latency_ms":0,"error":"refused"}},` +
				`"wechat":{"state":"failed","call":"exchange","at":"1970-01-01T00:00:01Z","error":"busy"},"store":{"kind":"redis","persistence":"none"},` +
				`"warnings":[{"warning":"no_persistence","message":"…"}]}`,
		},
		"none": {
			health.NewDetails(health.Report{}, health.WeChat{State: health.Unknown}, health.StoreDetails{Kind: "local", Persistence: health.OnDisk}),
			`{"ready":true,"parts":{},"wechat":{"state":"unknown"},"store":{"kind":"local","persistence":"disk"},"warnings":[]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for part, p := range test.details.Parts {
				if p.Since.IsZero() || p.Checked.IsZero() || p.LatencyMS < 0 {
					t.Errorf("%s: %+v", part, p)
				}
			}
			got, err := json.Marshal(test.details)
			if err != nil {
				t.Fatal(err)
			}
			if text := timeless(string(got)); text != test.want {
				t.Errorf("%s\nwant\n%s", text, test.want)
			}
		})
	}
}
