package site

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// afterlife is how long a request may run on after a reload has left no place for
// its session: it was let in by a store, keys, times or an account that are not
// configured any more.
const afterlife = time.Minute

// Succession is what a Hub knows of the configuration that took its place. Requests
// that the Hub has let in, and that still run, go on only as far as the newest
// configuration has a place for them: see [Live].
type Succession struct{ next atomic.Pointer[Hub] }

// Pass says that another configuration is in force. Nil is one without any place.
func (s *Succession) Pass(next *Hub) {
	if next == nil {
		next = new(Hub)
	}
	s.next.Store(next)
}

// after is the next configuration, nil if there is none.
func (s *Succession) after() *Hub {
	if s == nil {
		return nil
	}
	return s.next.Load()
}

// heir is the newest configuration after h, nil if h is in force.
func (h *Hub) heir() *Hub {
	next := h.Succession.after()
	if next == nil {
		return nil
	}
	for after := next.Succession.after(); after != nil; after = next.Succession.after() {
		next = after
	}
	h.Succession.next.Store(next) // those between are not held on to
	return next
}

// signsIn reports whether a site of the configuration signs visitors of an account in.
func (h *Hub) signsIn(appID string) bool { return h.Admits == nil || h.Admits(appID) }

// displaced reports whether the newest configuration ends a request of an older
// one: at once if it knows that the session has ended, and after a while if it has
// no place for it. What it has never known may have been signed in a moment before
// the reload, and is given that while, too.
func (n *running) displaced(q question) bool {
	next := n.of.Hub.heir()
	if next == nil {
		return false
	}
	same := next.Live == n.live // the same store, keys and times: they were asked already
	if same && next.signsIn(q.r.Identity.Session.AppID) {
		n.alone = time.Time{}
		return false
	}
	if n.alone.IsZero() {
		n.alone = time.Now()
	}
	if time.Since(n.alone) >= afterlife {
		return true
	}
	return !same && next.Store != nil && n.endedIn(next, q)
}

// endedIn reports whether a session has ended in the store of another
// configuration (attack: a visitor signs out after the store was changed, and a
// socket of before runs on).
func (n *running) endedIn(next *Hub, q question) bool {
	switch err := n.of.under(next).holds(q.r, q.Value); {
	case err == nil:
		n.known = true
		return false
	case !IsNobody(err):
		return false // only a clear no is a no
	default:
		return n.known || errors.Is(err, session.ErrEnded)
	}
}

// under is the site as it would be in another configuration.
func (site *Site) under(next *Hub) *Site {
	if other := site.other.Load(); other != nil && other.Hub == next {
		return other
	}
	other := &Site{Hub: next, Account: site.Account, Doors: site.Doors, Origin: site.Origin, Rules: site.Rules, Logger: site.Logger, Audit: site.Audit}
	site.other.Store(other)
	return other
}
