package gate

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
)

const (
	// scanRound is how often a stream reads the phone's answer.
	scanRound = 750 * time.Millisecond
	// scanSpell is how long a stream lasts; the browser opens the next one.
	// Proxies close silent connections, and a server that stops waits for its
	// streams.
	scanSpell = 20 * time.Second
)

// The states sent to the waiting browser. It leaves the page on every state but
// waiting.
const (
	scanWaiting   = "waiting"
	scanConfirmed = "confirmed"
	scanDenied    = "denied"
	scanExpired   = "expired"
)

// scanState returns the state of a code for its browser.
func (g *Gate) scanState(ctx context.Context, origin string, c scan.Code) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, outage.StoreTimeout)
	defer cancel()
	answer, answered, err := g.Hub.Scans.Read(ctx, g.Hub.Keys, signin.OnceKey("answer", origin, c.ID()))
	switch {
	case err != nil:
		return scanWaiting, err
	case answered && answer.Denied:
		return scanDenied, nil
	case answered:
		return scanConfirmed, nil
	case c.Expired():
		return scanExpired, nil
	default:
		return scanWaiting, nil
	}
}

// scanPoll answers a browser that polls. The answer never says which person has
// confirmed.
func (g *Gate) scanPoll(w http.ResponseWriter, r *site.Request, id string) {
	state := scanExpired
	if c, _, ok := g.scanOf(r, id); ok {
		state = scanWaiting
		if g.mayPoll(r, id) {
			var err error
			if state, err = g.scanState(r.Context(), r.Origin, c); err != nil {
				g.UnavailableJSON(w, r, g.Account, site.RetryStore, err)
				return
			}
		}
	}
	response.WriteJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK, "state": state})
}

// mayPoll reports whether the store may be asked for the browser that shows a
// code.
func (g *Gate) mayPoll(r *site.Request, id string) bool {
	return g.Hub.Scans.Limits().MayAsk(id, r.Network(), time.Now())
}

// scanStream sends the state to a browser by server-sent events.
func (g *Gate) scanStream(w http.ResponseWriter, r *site.Request, id string) {
	c, _, ok := g.scanOf(r, id)
	if !ok {
		response.WriteError(w, http.StatusGone, "scan_expired", "This code has expired.")
		return
	}
	var ctx context.Context
	var leave func()
	// A stream reads the store at once, so reopening it would be an unbounded
	// poll.
	if ok = g.mayPoll(r, id); ok {
		ctx, leave, ok = g.Hub.Scans.Streams.Enter(r.Context(), id, r.Network())
	}
	if !ok {
		response.RetryIn(w, site.RetryStore)
		response.WriteError(w, http.StatusServiceUnavailable, "too_many_streams", "Ask for the state instead.")
		return
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, scanSpell)
	defer cancel()
	stream := response.NewStream(w)
	defer stream.End()
	if stream.Begin() != nil || stream.Say(scanWaiting) != nil {
		return
	}
	g.scanTell(ctx, stream, r, c)
}

// scanTell polls the store and sends each change of state.
func (g *Gate) scanTell(ctx context.Context, stream response.Stream, r *site.Request, c scan.Code) {
	round := time.NewTicker(scanRound)
	defer round.Stop()
	failed := false
	for {
		state, err := g.scanState(ctx, r.Origin, c)
		if err != nil && ctx.Err() == nil && !failed {
			failed = true // one line per stream; the store logs its own outage
			g.LogFailed(r, slog.LevelWarn, "cannot read the answer of a phone; the browser keeps waiting", flow.Flow{}, err)
		}
		if state != scanWaiting {
			_ = stream.Say(state) // an error means that the browser has left
			return
		}
		select {
		case <-round.C:
		case <-ctx.Done():
			return
		}
	}
}
