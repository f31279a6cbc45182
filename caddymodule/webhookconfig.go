package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/webhook"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Webhook is a business system that receives events about persons. Each event
// is posted as signed JSON, in order for each person, and retried for three
// days until it is accepted. docs/revocation.md says how to receive events.
type Webhook struct {
	// The URL that events are posted to. Required. Placeholders of the
	// environment and of files are allowed.
	URL string `json:"url,omitempty"`

	// Queue name for undelivered events: 1 to 64 lower-case letters, digits and
	// -. Keep it when the URL changes. Default: derived from the URL's host.
	Name string `json:"name,omitempty"`

	// The secrets that sign the events: `whsec_` and 24 to 64 bytes in base64,
	// or any other text of 24 to 512 bytes. Required. A second secret signs
	// too, while rotating. Use placeholders, such as
	// `{env.WECHAT_WEBHOOK_SECRET}`.
	Secrets []string `json:"secrets,omitempty"`

	// The events to send: `signed_in`, `linked`, `merged`, `declined`,
	// `revoked`, `cancelled`, `profile_changed`, `logged_out`, `erased`.
	// Default: all.
	Events []string `json:"events,omitempty"`
}

// provisionedWebhook is a Webhook, checked and ready.
type provisionedWebhook struct {
	target  ledger.Target
	url     *url.URL
	secrets []wechat.Secret
}

var (
	webhookName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	notInName   = regexp.MustCompile(`[^a-z0-9]+`)

	eventKinds = []string{
		string(ledger.SignedIn), string(ledger.Linked), string(ledger.Merged), string(ledger.Declined), string(ledger.Revoked),
		string(ledger.Cancelled), string(ledger.ProfileChanged), string(ledger.LoggedOut), string(ledger.Erased),
	}
)

func (a *App) provisionWebhooks() error {
	for _, hook := range a.Webhooks {
		p, err := hook.provision(a.logger)
		if err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
		for _, other := range a.webhooks {
			if other.target.Name == p.target.Name {
				return fmt.Errorf("webhook: two are named %s; give one of them another name", p.target.Name)
			}
		}
		a.webhooks = append(a.webhooks, p)
	}
	return nil
}

func (h *Webhook) provision(logger *slog.Logger) (provisionedWebhook, error) {
	p := provisionedWebhook{target: ledger.Target{Name: h.Name}}
	address, err := expand("address", h.URL)
	if err == nil {
		err = checkWebhookURL(address)
	}
	if err != nil {
		return p, err
	}
	if p.url, err = url.Parse(address); err != nil {
		return p, errors.New("the address cannot be read")
	}
	if p.target.Name == "" {
		p.target.Name = strings.Trim(notInName.ReplaceAllString(strings.ToLower(p.url.Host), "-"), "-")
	}
	if !webhookName.MatchString(p.target.Name) {
		return p, errors.New("the name must have 1 to 64 lower-case letters, digits and -")
	}
	for _, secret := range h.Secrets {
		expanded, err := expandSecret("secret", secret)
		if err != nil {
			return p, err
		}
		if err := webhook.CheckSecret(expanded); err != nil {
			return p, fmt.Errorf("secret: %w", err)
		}
		if isLiteral(secret) {
			logger.Warn("a webhook's secret is written in the configuration; use {env.…} or {file.…} instead", slog.String("webhook", p.target.Name))
		}
		p.secrets = append(p.secrets, wechat.NewSecret(expanded))
	}
	if len(p.secrets) == 0 || len(p.secrets) > maxPushKeys {
		return p, errors.New("it needs a secret, or two while rotating")
	}
	for _, event := range h.Events {
		if err := checkEvent(event); err != nil {
			return p, err
		}
		p.target.Kinds = append(p.target.Kinds, ledger.EventKind(event))
	}
	return p, nil
}

func checkWebhookURL(value string) error {
	if err := checkTargetURL(value); err != nil {
		return err
	}
	u, err := url.Parse(value)
	if err != nil {
		return errors.New("the address cannot be read")
	}
	return webhook.CheckURL(u)
}

func checkEvent(value string) error {
	if !slices.Contains(eventKinds, value) {
		return fmt.Errorf("events: '%s' is none; there are: %s", value, strings.Join(eventKinds, ", "))
	}
	return nil
}

// parseWebhook reads one webhook block.
func (a *App) parseWebhook(d *caddyfile.Dispenser) error {
	hook, line := new(Webhook), d.Token()
	if err := checked(&hook.URL, checkWebhookURL)(d); err != nil {
		return err
	}
	if err := (words{
		"name": checked(&hook.Name, func(value string) error {
			if !webhookName.MatchString(value) {
				return fmt.Errorf("'%s' must have 1 to 64 lower-case letters, digits and -", value)
			}
			return nil
		}),
		"secret": twice(&hook.Secrets, webhook.CheckSecret),
		"events": hook.parseEvents,
	}).parse(d, "webhook"); err != nil {
		return err
	}
	if len(hook.Secrets) == 0 {
		return at(line, "webhook needs a secret, for example secret {env.WECHAT_WEBHOOK_SECRET}: the receiver must be able to check who sent an event")
	}
	a.Webhooks = append(a.Webhooks, hook)
	return nil
}

func (h *Webhook) parseEvents(d *caddyfile.Dispenser) error {
	events := d.RemainingArgs()
	if len(events) == 0 {
		return d.Errf("events needs at least one of: %s", strings.Join(eventKinds, ", "))
	}
	for _, event := range events {
		if err := checkEvent(event); err != nil {
			return d.Err(err.Error())
		}
	}
	h.Events = append(h.Events, events...)
	return nil
}
