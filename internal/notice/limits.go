package notice

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
)

// Visitors can cause any number of events for the business systems: they
// decline, sign in and sign out. Each event is on disk until it is delivered,
// so each person has a limit, and each network for events without a person
// (attack: a script fills the outbox). Beyond the limit the action still
// happens and is in the audit log, but no event is queued.
var (
	// eventRate limits each kind of event of a person, and each network.
	eventRate = limit.Rate{Burst: 10, Every: time.Minute}
	// anonymousRate limits a site's events without a person, separately for
	// apps and for WeChat's QR page.
	anonymousRate = limit.Rate{Burst: 60, Every: time.Second}
	// untoldRate limits the log line about events that were not queued.
	untoldRate = limit.Rate{Burst: 1, Every: time.Minute}
)

// Limits is shared by all sites and outlives a reload: a person has one budget
// for all sites. The zero value is ready.
type Limits struct {
	persons  limit.Keyed // by kind and person
	networks limit.Keyed // by network
}

// Untold counts the events of a site that were over a limit. The zero value is
// ready.
type Untold struct {
	line limit.Line
}

// Allow reports whether an event of a person is within the limit. id names the
// event: an immediate repetition is not counted again.
func (t Teller) Allow(kind ledger.EventKind, person, id string) bool {
	ok, _ := t.Limits.persons.Take(string(kind)+" "+person, id, eventRate)
	if !ok {
		t.leave(kind)
	}
	return ok
}

// AllowUnknown reports whether a refusal of an unknown visitor is within the
// limits. Any client can send one. all is the limit of the site.
func (t Teller) AllowUnknown(network netip.Prefix, all *limit.One, id string) bool {
	ok, again := t.Limits.networks.Take(network.String(), id, eventRate)
	if again {
		return true
	}
	// Check the network first: one beyond its limit does not use up the limit
	// of the site.
	if ok = ok && all.Take(anonymousRate); !ok {
		t.leave(ledger.Declined)
	}
	return ok
}

// leave logs, at most once a minute, that an event was beyond a limit.
func (t Teller) leave(kind ledger.EventKind) {
	if ok, left := t.Untold.line.Take(untoldRate); ok {
		t.Log.Logger.Warn("events are not sent: a visitor causes too many",
			slog.String("type", string(kind)), slog.Int("events", left+1))
	}
}
