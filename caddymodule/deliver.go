package caddymodule

import (
	"context"
	"log/slog"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/webhook"
)

// announceTargets tells the ledger which webhooks get events from now on, and
// what to call when there are new events.
func (a *App) announceTargets(o *opened) {
	o.wake.set(a.wakeWebhooks)
	targets := make([]ledger.Target, 0, len(a.webhooks))
	for _, hook := range a.webhooks {
		targets = append(targets, hook.target)
	}
	o.ledger.SetTargets(targets)
}

// restoreTargets gives the running configuration's targets to the ledger again,
// after a configuration that failed to start, or has ended, had set its own.
func (a *App) restoreTargets() {
	running, err := caddy.ActiveContext().AppIfConfigured("wechat")
	if app, ok := running.(*App); err == nil && ok && app != a && app.hub.Load() != nil {
		app.announceTargets(&app.opened)
	}
}

// deliver starts a sender for each webhook. One gateway of a fleet sends at a
// time; a lease in the ledger decides which one.
func (a *App) deliver(ctx context.Context, outbox webhook.Outbox) {
	var senders []*webhook.Sender
	for _, hook := range a.webhooks {
		sender := a.newSender(&hook, outbox)
		sender.GivenUp = func(kind ledger.EventKind) {
			a.audit.Emit(audit.EventWebhookDead, audit.Field{Name: audit.FieldWebhook, Value: hook.target.Name}, audit.Field{Name: audit.FieldType, Value: string(kind)})
		}
		senders = append(senders, sender)
		deliveryCounts.begin(sender)
		a.running.Go(func() {
			if err := sender.Run(ctx); err != nil && ctx.Err() == nil {
				a.logger.Error("webhook delivery could not start", slog.String("webhook", hook.target.Name), slog.Any("error", err))
			}
			deliveryCounts.end(sender)
		})
	}
	a.senders.Store(&senders)
}

// newSender makes a sender of a webhook.
func (a *App) newSender(hook *provisionedWebhook, outbox webhook.Outbox) *webhook.Sender {
	return &webhook.Sender{
		Outbox: outbox, Target: hook.target.Name, URL: hook.url, Secrets: hook.secrets, Accounts: a.accountName, Logger: a.logger,
	}
}

// wakeWebhooks makes the senders look for new events at once.
func (a *App) wakeWebhooks() {
	if senders := a.senders.Load(); senders != nil {
		for _, sender := range *senders {
			sender.Wake()
		}
	}
}

// accountName returns the name of the account with this app id, "" if there is
// none.
func (a *App) accountName(appID string) string {
	for _, account := range a.accounts {
		if account.Credentials.AppID == appID {
			return account.Name
		}
	}
	return ""
}
