package caddymodule

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// A fingerprint changes with each secret, and with no other; it shows none of
// them. A push token alone, which may be short, is never the key of the HMAC.
func TestFingerprints(t *testing.T) {
	t.Parallel()
	secret := func(text string) wechat.Secret { return wechat.NewSecret(text) }
	app := func(appSecret, token, hook, key string) *App {
		account := provisionedAccount{push: &provisionedPush{tokens: []wechat.Secret{secret(token)}}}
		account.Name, account.Credentials.Secret = "main", secret(appSecret)
		return &App{
			accounts: []provisionedAccount{account}, keys: []string{key},
			webhooks: []provisionedWebhook{{target: ledger.Target{Name: "crm"}, secrets: []wechat.Secret{secret(hook), secret("old " + hook)}}},
		}
	}
	before := app("app-secret", "token", "hook-secret", "session-key").fingerprints()
	for name, c := range map[string]struct {
		app     *App
		changed []string
	}{
		"nothing":     {app("app-secret", "token", "hook-secret", "session-key"), nil},
		"app secret":  {app("fresh", "token", "hook-secret", "session-key"), []string{"account main"}},
		"push token":  {app("app-secret", "fresh", "hook-secret", "session-key"), []string{"account main"}},
		"webhook":     {app("app-secret", "token", "fresh", "session-key"), []string{"webhook crm"}},
		"session key": {app("app-secret", "token", "hook-secret", "fresh"), []string{"session"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, changed := c.app.fingerprints(), []string(nil)
			for _, subject := range slices.Sorted(maps.Keys(after)) {
				if after[subject] != before[subject] {
					changed = append(changed, subject)
				}
				if len(after[subject]) != 16 || strings.Trim(after[subject], "0123456789abcdef") != "" {
					t.Errorf("%s: %q is no fingerprint", subject, after[subject])
				}
			}
			if !slices.Equal(changed, c.changed) || len(after) != 3 {
				t.Errorf("changed: %q of %d, want %q", changed, len(after), c.changed)
			}
		})
	}
	if got := (&App{}).fingerprints(); len(got) != 0 {
		t.Errorf("nothing configured: %v", got)
	}
}
