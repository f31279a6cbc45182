package gate

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/request"
)

// How often the parts of a sign-in by a phone may happen. Whoever can open a page can
// do each of them.
var (
	// A network may be shown so many codes: an office behind one address (attack: the
	// number is drawn again and again until it is, say, 888).
	showNetwork = rate{burst: 60, every: time.Second}
	// The same for one address of it, which takes no more than a part.
	showAddress = rate{burst: 20, every: 3 * time.Second}
	// The same for one browser, which shows one code for two minutes.
	showBrowser = rate{burst: 5, every: 10 * time.Second}
	// A browser that shows a code may ask so often whether the phone has answered. Our
	// page does it every two seconds.
	askBrowser = rate{burst: 5, every: time.Second}
)

const (
	// maxAsks is how often one gateway asks its store in a second for browsers without
	// a stream, and maxAsksNetwork for those of one network. The others hear "waiting",
	// and ask again.
	maxAsks, maxAsksNetwork = 2000, 400

	maxSharing = 65536 // networks that share, at most
)

// scanLimits bounds what browsers outside WeChat make a gateway do.
type scanLimits struct {
	networks, addresses, browsers, asked keyedLimiter
	share                                fairShare
	line                                 limiter // of the log
}

func newScanLimits() *scanLimits {
	return &scanLimits{share: fairShare{total: maxAsks, most: maxAsksNetwork}}
}

// mayShow reports whether a browser may be shown another code. browser is "" where
// nothing tells it from the others at its address.
func (l *scanLimits) mayShow(browser string, addr netip.Addr) bool {
	// The narrowest first: who asks too often takes nothing from those around.
	if browser != "" {
		if ok, _ := l.browsers.take(browser, "", showBrowser); !ok {
			return false
		}
	}
	if ok, _ := l.addresses.take(addr.String(), "", showAddress); !ok {
		return false
	}
	ok, _ := l.networks.take(request.NetworkOf(addr).String(), "", showNetwork)
	return ok
}

// showsNoCode logs that a code was refused, at most once a minute: behind a proxy
// that is not trusted all visitors seem to have one address.
func (g *Gate) showsNoCode(r *Request) {
	if g.Hub.Scans.limits().line.take(rate{burst: 1, every: time.Minute}) {
		g.Logger.Warn("too many codes are asked for; if all visitors seem to come from one address, set trusted_proxies",
			slog.String("site", r.origin), slog.String("network", request.NetworkName(request.MaskAddr(r.clientAddr()))))
	}
}

// mayAsk reports whether the store may be asked for the browser that shows a code.
func (l *scanLimits) mayAsk(id string, network netip.Prefix, now time.Time) bool {
	ok, _ := l.asked.take(id, "", askBrowser)
	return ok && l.share.take(network, now)
}

// browserKey names the browser of a request, "" for one that has no secret yet.
func (r *Request) browserKey() string {
	if secrets := r.heldSecrets(); len(secrets) > 0 {
		return secrets[0].value
	}
	return ""
}

// fairShare shares so many takes in a second among the networks that ask. Each may have
// an equal part, at most, and one more part is left for a network that comes only now
// (attack: a few networks use it all up at the beginning of each second).
type fairShare struct {
	total int // in a second, of all
	most  int // of one network

	mu     sync.Mutex
	since  time.Time
	taken  map[netip.Prefix]int
	sum    int
	before int // networks that asked in the second before
}

// take reports whether a network may have one more.
func (s *fairShare) take(network netip.Prefix, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.since); age >= time.Second || age < 0 {
		s.before = len(s.taken)
		if age >= 2*time.Second {
			s.before = 0
		}
		s.since, s.sum, s.taken = now, 0, make(map[netip.Prefix]int)
	}
	n, known := s.taken[network]
	if !known && len(s.taken) >= maxSharing {
		return false
	}
	if !known {
		s.taken[network] = 0 // it counts, whether it gets something or not
	}
	part := max(1, s.total/(max(s.before, len(s.taken))+1))
	if s.sum >= s.total || n >= min(part, s.most) {
		return false
	}
	s.taken[network]++
	s.sum++
	return true
}
