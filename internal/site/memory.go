package site

import (
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/signin"
)

// Memory is what a gateway remembers, whatever is configured anew: how sign-ins have
// ended, and what has used up its limits. The zero value is ready.
type Memory struct {
	Once signin.Once

	events   notice.Limits
	Tickets  limit.Keyed // of persons: how many they may ask for, for web-views
	outages  outage.Outages
	lines    limit.Lines
	renewals renewals
}
