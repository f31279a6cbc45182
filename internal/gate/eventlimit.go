package gate

import (
	"context"
	"log/slog"
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
	// anonymousRate is for all events of a site without a person, of each door.
	anonymousRate = limit.Rate{Burst: 60, Every: time.Second}
	// untoldRate is for the log line about events that were not told.
	untoldRate = limit.Rate{Burst: 1, Every: time.Minute}
)

// eventLimits belongs to all sites together, and outlives a reload: a person has
// no budget at each of them.
type eventLimits struct {
	persons  limit.Keyed // by kind and person
	networks limit.Keyed // by network
}

// untold counts the events of a site that were over a limit.
type untold struct {
	line limit.One
	n    atomic.Int64
}

// mayTell reports whether an event that a person caused is to be told. id names
// the event: told again at once, it counts once.
func (g *Gate) mayTell(kind ledger.EventKind, person, id string) bool {
	ok, _ := g.Hub.Results.events.persons.Take(string(kind)+" "+person, id, eventRate)
	if !ok {
		g.leaveUntold(kind)
	}
	return ok
}

// mayTellSignIn is mayTell for a sighting. Before its openid is known, the openid
// stands for the person. id names the sign-in.
func (g *Gate) mayTellSignIn(ctx context.Context, s ledger.Sighting, id string) bool {
	who := s.AppID + " " + s.OpenID
	if p, err := g.Hub.Ledger.FindOpenID(ctx, s.AppID, s.OpenID); err == nil {
		who = p.ID
	}
	return g.mayTell(ledger.SignedIn, who, id)
}

// mayTellRefusal reports whether a refusal is to be told although it is not known
// who refused: anybody can send one. all limits those of the site.
func (g *Gate) mayTellRefusal(r *Request, all *limit.One, id string) bool {
	ok, again := g.Hub.Results.events.networks.Take(r.network().String(), id, eventRate)
	if again {
		return true
	}
	// The network is asked first: one that is over its limit takes nothing from
	// the others.
	if ok = ok && all.Take(anonymousRate); !ok {
		g.leaveUntold(ledger.Declined)
	}
	return ok
}

// leaveUntold logs that an event was over a limit, at most once a minute.
func (g *Gate) leaveUntold(kind ledger.EventKind) {
	g.untold.n.Add(1)
	if g.untold.line.Take(untoldRate) {
		g.Logger.Warn("events are not told: a visitor causes too many",
			slog.String("type", string(kind)), slog.Int64("events", g.untold.n.Swap(0)))
	}
}
