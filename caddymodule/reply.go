package caddymodule

import (
	"context"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/caches"
	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/site"
)

// reply reads and removes the two headers in the upstream's answer by which the
// app asks the gate for a sign-in step or a logout.
type reply struct {
	caddyhttp.ResponseWriterWrapper
	gate    *gate.Gate
	request *site.Request
	ctx     context.Context // the forwarded request's
	started bool
	dropped bool // the gate has answered instead; the upstream's body is discarded
}

func newReply(ctx context.Context, w http.ResponseWriter, g *gate.Gate, r *site.Request) *reply {
	return &reply{ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, gate: g, request: r, ctx: ctx}
}

// WriteHeader implements http.ResponseWriter.
func (p *reply) WriteHeader(status int) {
	if p.started {
		if !p.dropped {
			p.ResponseWriter.WriteHeader(status)
		}
		return
	}
	final := status >= 200 || status == http.StatusSwitchingProtocols
	require, wantsLogout := p.take(gate.HeaderRequire), p.take(gate.HeaderLogout)
	if !final {
		p.ResponseWriter.WriteHeader(status)
		return
	}
	p.started = true
	logout := p.gate.LogoutAsked(p.request, wantsLogout)
	if !logout {
		p.gate.Renew(p.ResponseWriter, p.request)
	}
	caches.KeepFrom(p.Header())
	if logout {
		p.gate.EndByUpstream(p.ResponseWriter, p.request)
	}
	if require != "" && !logout && status != http.StatusSwitchingProtocols {
		if answer := p.gate.Require(p.request, status, require); answer != nil {
			p.dropped = true
			p.clear()
			answer(p.ResponseWriter)
			return
		}
	}
	p.ResponseWriter.WriteHeader(status)
}

// take removes a header and returns its value.
func (p *reply) take(name string) string {
	h := p.Header()
	values, ok := h[name]
	if !ok {
		return ""
	}
	delete(h, name)
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// clear removes the headers that describe the upstream's body. Cookies stay:
// they are the app's own.
func (p *reply) clear() {
	h := p.Header()
	for name := range h {
		if name != "Set-Cookie" && name != "Server" && name != "Alt-Svc" && name != "Via" && name != "Strict-Transport-Security" {
			delete(h, name)
		}
	}
}

// Write implements http.ResponseWriter.
func (p *reply) Write(b []byte) (int, error) {
	p.start()
	if p.dropped {
		return len(b), nil
	}
	if err := live.Over(p.ctx); err != nil {
		return 0, err
	}
	return p.ResponseWriter.Write(b)
}

// ReadFrom implements io.ReaderFrom, which file servers use.
func (p *reply) ReadFrom(src io.Reader) (int64, error) {
	p.start()
	if p.dropped {
		return io.Copy(io.Discard, src)
	}
	if err := live.Over(p.ctx); err != nil {
		return 0, err
	}
	return p.ResponseWriterWrapper.ReadFrom(src)
}

// FlushError reads the headers before it sends them.
func (p *reply) FlushError() error {
	p.start()
	if p.dropped {
		return nil
	}
	if err := live.Over(p.ctx); err != nil {
		return err
	}
	return http.NewResponseController(p.ResponseWriter).Flush()
}

func (p *reply) start() {
	if !p.started {
		p.WriteHeader(http.StatusOK)
	}
}

// Interface guards.
var (
	_ http.ResponseWriter = (*reply)(nil)
	_ io.ReaderFrom       = (*reply)(nil)
)
