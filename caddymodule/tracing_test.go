package caddymodule_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// traces receives what a gateway exports, by OTLP over HTTP.
type traces struct {
	t   *testing.T
	mu  sync.Mutex
	all []*spans.Span
	raw bytes.Buffer // everything that was sent
}

func (r *traces) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body := io.Reader(request.Body)
	if request.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			r.t.Error(err)
			return
		}
		body = unzipped
	}
	data, err := io.ReadAll(body)
	if err != nil {
		r.t.Error(err)
	}
	var sent collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(data, &sent); err != nil {
		r.t.Errorf("%s: %v", request.URL, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw.Write(data)
	for _, resource := range sent.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			r.all = append(r.all, scope.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// named returns the spans with a name that have arrived.
func (r *traces) named(name string) (found []*spans.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.all {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// wait returns the spans with a name, when there are so many.
func (r *traces) wait(name string, n int) []*spans.Span {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if found := r.named(name); len(found) >= n {
			return found
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d spans %q after 30s, want %d", len(r.named(name)), name, n)
		}
	}
}

func attributesOf(s *spans.Span) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes {
		all[a.Key] = a.Value.GetStringValue()
	}
	return all
}

// With Caddy's tracing, sign-ins and calls to WeChat are spans below the span
// of the request, as an OTLP receiver gets them. They hold nothing that a
// receiver must not know.
func TestSignInsAreTraced(t *testing.T) {
	receiver := &traces{t: t}
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
		"OTEL_TRACES_EXPORTER": "otlp", "OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_TRACES_SAMPLER": "always_on",
	} {
		t.Setenv(name, value)
	}
	o := openEverything(t, local(t))
	plain := o.config
	o.load(strings.Replace(o.config, `{"handler":"wechat_auth"`, `{"handler":"tracing","span":"request"},{"handler":"wechat_auth"`, 1))
	user := o.caller("ming").signIn()

	signIn, exchange := receiver.wait("wechat sign-in", 1)[0], receiver.wait("wechat exchange", 1)[0]
	want := map[string]string{"wechat.account": "default", "wechat.way": "browser", "wechat.outcome": "signed_in"}
	if got := attributesOf(signIn); len(got) != len(want) || got["wechat.account"] != "default" || got["wechat.way"] != "browser" || got["wechat.outcome"] != "signed_in" {
		t.Errorf("the sign-in has %v, want %v", got, want)
	}
	if got := attributesOf(exchange); len(got) != 3 || got["wechat.account"] != "default" || got["wechat.endpoint"] != "exchange" || got["wechat.errcode"] != "0" {
		t.Errorf("the call has %v", got)
	}
	if !bytes.Equal(exchange.ParentSpanId, signIn.SpanId) || exchange.Kind != spans.Span_SPAN_KIND_CLIENT {
		t.Error("the call is not below its sign-in")
	}
	if !slices.ContainsFunc(receiver.wait("request", 3), func(s *spans.Span) bool { return bytes.Equal(s.SpanId, signIn.ParentSpanId) }) {
		t.Error("the sign-in is not below the request")
	}

	// A call that fails says why.
	wrongSecret := wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 40125, Endpoint: wechattest.AtToken}}
	if err := o.sim.SetQuirks(wrongSecret); err != nil {
		t.Fatal(err)
	}
	hong := o.caller("hong")
	hong.get(hong.client)
	failed := receiver.wait("wechat exchange", 2)[1]
	if got := attributesOf(failed); got["wechat.errcode"] != "40125" || failed.Status.GetCode() != spans.Status_STATUS_CODE_ERROR {
		t.Errorf("the failed call has %v, status %v", got, failed.Status)
	}
	if got := attributesOf(receiver.wait("wechat sign-in", 2)[1])["wechat.outcome"]; got != "wechat_error" {
		t.Errorf("the failed sign-in ended as %q", got)
	}

	// Without the directive there is no span.
	n := len(receiver.named("wechat sign-in"))
	o.load(plain)
	hong.get(hong.client)
	receiver.checkNothingIsSecret(o, user)
	if got := len(receiver.named("wechat sign-in")); got != n {
		t.Errorf("%d spans of sign-ins without tracing", got-n)
	}
}

// Attack: what is sent to the receiver of traces identifies visitors, or lets
// its reader act as one.
func (r *traces) checkNothingIsSecret(o *office, user string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	secrets := append(o.sim.Issued(), simSecret, user)
	for _, person := range o.sim.Persons() {
		secrets = append(secrets, o.sim.OpenID(person.ID, simApp), o.sim.UnionID(person.ID, simApp), person.Nickname)
	}
	for _, secret := range secrets {
		if secret != "" && bytes.Contains(r.raw.Bytes(), []byte(secret)) {
			r.t.Errorf("the traces hold %q", secret)
		}
	}
	if len(secrets) < 6 || r.raw.Len() == 0 {
		r.t.Errorf("only %d secrets in %d bytes", len(secrets), r.raw.Len())
	}
}
