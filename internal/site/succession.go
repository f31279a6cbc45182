package site

import (
	"sync/atomic"

	"github.com/caddy-wechat/gateway/internal/live"
)

// Succession is what a Hub knows of the configuration that replaced it.
// Requests that the Hub let in go on only if the newest configuration has a
// place for them: see [live.Place].
type Succession struct{ next atomic.Pointer[Hub] }

// Pass says that another configuration is in force. Nil is a configuration
// without a place for any request.
func (s *Succession) Pass(next *Hub) {
	if next == nil {
		next = new(Hub)
	}
	s.next.Store(next)
}

// after returns the next configuration, nil if there is none.
func (s *Succession) after() *Hub {
	if s == nil {
		return nil
	}
	return s.next.Load()
}

// heir returns the newest configuration after h, nil if h is in force.
func (h *Hub) heir() *Hub {
	next := h.Succession.after()
	if next == nil {
		return nil
	}
	for after := next.Succession.after(); after != nil; after = next.Succession.after() {
		next = after
	}
	h.Succession.next.Store(next) // the configurations in between can be freed
	return next
}

// signsIn reports whether a site of the configuration signs in visitors of an
// account.
func (h *Hub) signsIn(appID string) bool { return h.Admits == nil || h.Admits(appID) }

// placeOf returns the place of a request in the newest configuration, nil if
// the site's own configuration is in force.
func (site *Site) placeOf(r *Request) *live.Place {
	next := site.Hub.heir()
	if next == nil {
		return nil
	}
	place := &live.Place{Same: next.Live == site.Hub.Live, Admits: next.signsIn(r.Identity.Session.AppID)}
	if next.Store != nil {
		place.Holds = func(value string) live.Answer { return site.under(next).holds(r, value) }
	}
	return place
}

// under returns the site as it would be in another configuration.
func (site *Site) under(next *Hub) *Site {
	if other := site.other.Load(); other != nil && other.Hub == next {
		return other
	}
	other := &Site{Hub: next, Account: site.Account, Others: site.Others, Origin: site.Origin, Rules: site.Rules, Logger: site.Logger, Audit: site.Audit}
	site.other.Store(other)
	return other
}
