package site

import (
	"github.com/caddy-wechat/gateway/internal/follow"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/signin"
)

// Memory is what a gateway remembers across reloads: the results of sign-ins,
// and the counts of its limits. The zero value is ready.
type Memory struct {
	Once signin.Once

	events    notice.Limits
	Tickets   limit.Keyed   // limits how many web-view tickets a person may ask for
	Followers follow.Memory // who follows an official account
	Forms     limit.Places  // limits how many forms without a session are read at once
	outages   outage.Outages
	lines     limit.Lines
	renewals  renewals
}
