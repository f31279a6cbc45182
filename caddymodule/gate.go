package caddymodule

import (
	"errors"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/site"
)

// notReady is the outage while stores or keys cannot be opened.
var notReady = outage.Down{What: "gateway"}

// errNotReady is the error that an error route gets.
var errNotReady = errors.New("sign-in is not ready yet")

// outageLog returns the log of the gateway's own outage.
func (a *App) outageLog(logger *slog.Logger) outage.Log {
	return outage.Log{Logger: logger, Outages: &a.outages, Audit: a.audit}
}

// gated returns the gate. It is made at the first request after the app's
// shared parts are open.
func (h *Handler) gated() (*gate.Gate, error) {
	if g := h.gate.Load(); g != nil {
		return g, nil
	}
	hub, err := h.app.open()
	if err != nil {
		return nil, err
	}
	h.gate.CompareAndSwap(nil, &gate.Gate{Site: site.Site{
		Hub: hub, Account: h.site.account, OtherAccounts: h.site.others, Origin: h.site.origin, Rules: h.site.rules, Logger: h.logger, Audit: h.app.audit,
	}})
	return h.gate.Load(), nil
}
