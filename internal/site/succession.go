package site

import (
	"sync/atomic"

	"github.com/caddy-wechat/gateway/internal/live"
)

// Succession is what a Hub knows of the configuration that replaced it.
// Requests that a Hub let in go on only if the newest configuration has a
// successor for them: see [live.Successor].
type Succession struct{ next atomic.Pointer[Hub] }

// SetNext says that another configuration is in force. Nil is a configuration
// without a successor for any request.
func (s *Succession) SetNext(next *Hub) {
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

// newest returns the newest configuration after h, nil if h is in force.
func (h *Hub) newest() *Hub {
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

// successorOf returns the successor of a request in the newest configuration,
// nil if the site's own configuration is in force.
func (site *Site) successorOf(r *Request) *live.Successor {
	next := site.Hub.newest()
	if next == nil {
		return nil
	}
	successor := &live.Successor{Refuses: next.Refuses(&r.Identity.Person) != "", SameStore: next.Live == site.Hub.Live, Admits: next.signsIn(r.Identity.Session.AppID)}
	if next.Store != nil {
		successor.Check = func(value string) live.Answer { return site.inConfiguration(next).check(r, value) }
	}
	return successor
}

// inConfiguration returns the site as it would be in another configuration.
func (site *Site) inConfiguration(next *Hub) *Site {
	if other := site.successor.Load(); other != nil && other.Hub == next {
		return other
	}
	other := &Site{Hub: next, Account: site.Account, OtherAccounts: site.OtherAccounts, Origin: site.Origin, Rules: site.Rules, Logger: site.Logger, Audit: site.Audit}
	site.successor.Store(other)
	return other
}
