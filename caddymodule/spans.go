package caddymodule

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/caddy-wechat/gateway/internal/signin"
)

// tracerName names the gateway as the origin of its spans.
const tracerName = "github.com/caddy-wechat/gateway"

// The attributes of spans. Their values are names of the configuration and
// words of ours, as the labels of metrics are (attack: a trace names who
// visited what, or has a code that can be spent).
const (
	attributeAccount  = "wechat.account"
	attributeWay      = "wechat.way"
	attributeOutcome  = "wechat.outcome"
	attributeEndpoint = "wechat.endpoint"
	attributeErrcode  = "wechat.errcode"
)

// span is a span of Caddy's `tracing`, or nothing where a request is not
// traced.
type span struct{ trace.Span }

// start begins a span under the one that is in ctx. Only that one leads to the
// provider that the operator has set up: there is no global one.
func start(ctx context.Context, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, span{}
	}
	ctx, s := parent.TracerProvider().Tracer(tracerName).Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
	return ctx, span{s}
}

// startCall begins the span of a request to WeChat's API.
func startCall(ctx context.Context, account, endpoint string) (context.Context, span) {
	return start(ctx, "wechat "+endpoint, trace.SpanKindClient,
		attribute.String(attributeAccount, account), attribute.String(attributeEndpoint, endpoint))
}

// startSignIn begins the span of a sign-in.
func startSignIn(ctx context.Context, account string, way signin.Way) (context.Context, span) {
	return start(ctx, "wechat sign-in", trace.SpanKindInternal,
		attribute.String(attributeAccount, account), attribute.String(attributeWay, string(way)))
}

// end ends the span with its result.
func (s span) end(name, result string, failed bool) {
	if s.Span == nil {
		return
	}
	s.SetAttributes(attribute.String(name, result))
	if failed {
		s.SetStatus(codes.Error, result)
	}
	s.End()
}
