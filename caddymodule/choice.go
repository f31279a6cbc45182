package caddymodule

import (
	"fmt"
	"slices"

	"github.com/caddy-wechat/gateway/internal/assertion"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// choices lists the options with a fixed set of values, the default first.
var choices = map[string][]string{
	"scope":           {string(wechat.ScopeUserInfo), string(wechat.ScopeBase)},
	"consent":         {"page", "redirect"},
	"without_consent": {"refuse", "allow"},
	"outside_wechat":  {string(site.OutsideQR), string(site.OutsideLogin), string(site.OutsideScan), string(site.OutsidePass), string(site.OutsideRefuse)},
	"snapshot":        {"page", "guest"},
	"check":           {"off", "on"},
	"keep_fragment":   {"off", "on"},
	"preserve_post":   {string(site.PreserveOn), string(site.PreserveAuto), string(site.PreserveOff)},
	"encoding":        {string(site.EncodingPercent), string(site.EncodingBase64URL), string(site.EncodingUTF8)},
	"strip_cookies":   {"on", "off"},
	"health":          {"on", "off"},
	"algorithm":       {string(assertion.ES256), string(assertion.EdDSA)},

	"push_unsubscribe": {"keep", "forget"},
}

// choose returns value, or the option's default for "", or an error for an
// unknown value.
func choose(option, value string) (string, error) {
	allowed := choices[option]
	if value == "" {
		return allowed[0], nil
	}
	if !slices.Contains(allowed, value) {
		return "", fmt.Errorf("%s: %q is not one of %v", option, value, allowed)
	}
	return value, nil
}
