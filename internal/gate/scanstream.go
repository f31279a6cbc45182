package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

const (
	// scanRound is how often a stream asks what the phone says.
	scanRound = 750 * time.Millisecond
	// scanSpell is how long a stream lasts; the browser opens the next one. Proxies
	// close what is silent, and a server that stops waits for its streams.
	scanSpell = 20 * time.Second
	// scanWrite is how long a browser may take to read one event.
	scanWrite = 10 * time.Second
)

// What a browser that waits hears. Anything but waiting leads it on.
const (
	scanWaiting   = "waiting"
	scanConfirmed = "confirmed"
	scanDenied    = "denied"
	scanExpired   = "expired"
)

// scanState is what a browser hears of its code.
func (g *Gate) scanState(ctx context.Context, site string, c scanCode) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	answer, answered, err := g.Hub.Scans.read(ctx, g.Hub.Keys, onceKey("answer", site, c.id()))
	switch {
	case err != nil:
		return scanWaiting, err
	case answered && answer.Denied:
		return scanDenied, nil
	case answered:
		return scanConfirmed, nil
	case c.expired():
		return scanExpired, nil
	default:
		return scanWaiting, nil
	}
}

// scanPoll answers a browser that asks by itself. It never says who has confirmed.
func (g *Gate) scanPoll(w http.ResponseWriter, r *Request, id string) {
	state := scanExpired
	if c, _, ok := g.scanOf(r, id); ok {
		state = scanWaiting
		if g.mayPoll(r, id) {
			var err error
			if state, err = g.scanState(r.Context(), r.origin, c); err != nil {
				g.unavailableJSON(w, r, g.Account, retryStore, err)
				return
			}
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK, "state": state})
}

// mayPoll reports whether the store may be asked for the browser that shows a code.
func (g *Gate) mayPoll(r *Request, id string) bool {
	return g.Hub.Scans.limits().mayAsk(id, r.network(), time.Now())
}

// scanStream tells a browser by server-sent events.
func (g *Gate) scanStream(w http.ResponseWriter, r *Request, id string) {
	c, _, ok := g.scanOf(r, id)
	if !ok {
		writeError(w, http.StatusGone, "scan_expired", "This code is over.")
		return
	}
	var ctx context.Context
	var leave func()
	// A stream asks at once: opened again and again, it would be a poll without bound.
	if ok = g.mayPoll(r, id); ok {
		ctx, leave, ok = g.Hub.Scans.streams.enter(r.Context(), id, r.network())
	}
	if !ok {
		retryIn(w, retryStore)
		writeError(w, http.StatusServiceUnavailable, "too_many_streams", "Ask for the state instead.")
		return
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, scanSpell)
	defer cancel()
	stream := eventStream{w: w, control: http.NewResponseController(w)}
	defer stream.end()
	if stream.begin() != nil || stream.say(scanWaiting) != nil {
		return
	}
	g.scanTell(ctx, stream, r.origin, c)
}

// scanTell asks again and again, and says what is new.
func (g *Gate) scanTell(ctx context.Context, stream eventStream, site string, c scanCode) {
	round := time.NewTicker(scanRound)
	defer round.Stop()
	failed := false
	for {
		state, err := g.scanState(ctx, site, c)
		if err != nil && ctx.Err() == nil && !failed {
			failed = true // one line for a stream; the store tells the rest
			g.logWeChat(slog.LevelWarn, "a browser waits for a store", Flow{}, err)
		}
		if state != scanWaiting {
			_ = stream.say(state) // the browser may have left: nobody to tell
			return
		}
		select {
		case <-round.C:
		case <-ctx.Done():
			return
		}
	}
}

// eventStream is an answer of server-sent events (WHATWG HTML, server-sent events).
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s eventStream) begin() error {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy in front would keep it all to the end
	h.Set("X-Content-Type-Options", "nosniff")
	s.w.WriteHeader(http.StatusOK)
	_, err := io.WriteString(s.w, "retry: 500\n\n") // milliseconds to the next spell
	return err
}

// say sends one event. A browser that reads nothing must not hold us (attack: slow
// readers).
func (s eventStream) say(data string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(scanWrite)) // not every writer has one
	if _, err := fmt.Fprintf(s.w, "data: %s\n\n", data); err != nil {
		return err
	}
	return s.flush()
}

// flush fails where nothing can be sent before the end: the browser asks by itself.
func (s eventStream) flush() error {
	if err := s.control.Flush(); err != nil {
		return errors.Join(errors.New("gate: the answer cannot be streamed"), err)
	}
	return nil
}

// end takes the deadline away: the connection may carry other answers.
func (s eventStream) end() { _ = s.control.SetWriteDeadline(time.Time{}) }
