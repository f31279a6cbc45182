package notice

import (
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
)

// Visitors cause events for the business systems at will: they decline, sign in
// and sign out. Each event is kept on disk until it is delivered, so that each
// person has a limit, and each network for events without a person (attack: a
// script fills the outbox). What is over the limit still happens, and is in the
// audit log, but the business systems are not told.
var (
	// eventRate is for each person and kind of event, and for each network.
	eventRate = limit.Rate{Burst: 10, Every: time.Minute}
	// anonymousRate is for the events of a site without a person: those of apps, and
	// those of WeChat's QR page, have one each.
	anonymousRate = limit.Rate{Burst: 60, Every: time.Second}
	// untoldRate is for the log line about events that were not told.
	untoldRate = limit.Rate{Burst: 1, Every: time.Minute}
)

// Limits belongs to all sites together, and outlives a reload: a person has
// no budget at each of them. The zero value is ready.
type Limits struct {
	persons  limit.Keyed // by kind and person
	networks limit.Keyed // by network
}

// Untold counts the events of a site that were over a limit. The zero value is ready.
type Untold struct {
	line limit.One
	n    atomic.Int64
}

// May reports whether an event that a person caused is to be told. id names
// the event: told again at once, it counts once.
func (t Teller) May(kind ledger.EventKind, person, id string) bool {
	ok, _ := t.Limits.persons.Take(string(kind)+" "+person, id, eventRate)
	if !ok {
		t.leave(kind)
	}
	return ok
}

// MayUnknown reports whether a refusal is to be told although it is not known
// who refused: anybody can send one. all limits those of the site.
func (t Teller) MayUnknown(network netip.Prefix, all *limit.One, id string) bool {
	ok, again := t.Limits.networks.Take(network.String(), id, eventRate)
	if again {
		return true
	}
	// The network is asked first: one that is over its limit takes nothing from
	// the others.
	if ok = ok && all.Take(anonymousRate); !ok {
		t.leave(ledger.Declined)
	}
	return ok
}

// leave logs that an event was over a limit, at most once a minute.
func (t Teller) leave(kind ledger.EventKind) {
	t.Untold.n.Add(1)
	if t.Untold.line.Take(untoldRate) {
		t.Log.Logger.Warn("events are not told: a visitor causes too many",
			slog.String("type", string(kind)), slog.Int64("events", t.Untold.n.Swap(0)))
	}
}
