package gate

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/request"
)

// How often the parts of a sign-in by a phone may happen. Whoever can open a page can
// do each of them.
var (
	// A network may be shown so many codes: an office behind one address (attack: the
	// number is drawn again and again until it is, say, 888).
	showNetwork = limit.Rate{Burst: 60, Every: time.Second}
	// The same for one address of it, which takes no more than a part.
	showAddress = limit.Rate{Burst: 20, Every: 3 * time.Second}
	// The same for one browser, which shows one code for two minutes.
	showBrowser = limit.Rate{Burst: 5, Every: 10 * time.Second}
	// A browser that shows a code may ask so often whether the phone has answered. Our
	// page does it every two seconds.
	askBrowser = limit.Rate{Burst: 5, Every: time.Second}
)

const (
	// maxAsks is how often one gateway asks its store in a second for browsers without
	// a stream, and maxAsksNetwork for those of one network. The others hear "waiting",
	// and ask again.
	maxAsks, maxAsksNetwork = 2000, 400
)

// scanLimits bounds what browsers outside WeChat make a gateway do.
type scanLimits struct {
	networks, addresses, browsers, asked limit.Keyed
	share                                limit.Share
	line                                 limit.One // of the log
}

func newScanLimits() *scanLimits {
	return &scanLimits{share: limit.Share{Total: maxAsks, Most: maxAsksNetwork}}
}

// mayShow reports whether a browser may be shown another code. browser is "" where
// nothing tells it from the others at its address.
func (l *scanLimits) mayShow(browser string, addr netip.Addr) bool {
	// The narrowest first: who asks too often takes nothing from those around.
	if browser != "" {
		if ok, _ := l.browsers.Take(browser, "", showBrowser); !ok {
			return false
		}
	}
	if ok, _ := l.addresses.Take(addr.String(), "", showAddress); !ok {
		return false
	}
	ok, _ := l.networks.Take(request.NetworkOf(addr).String(), "", showNetwork)
	return ok
}

// showsNoCode logs that a code was refused, at most once a minute: behind a proxy
// that is not trusted all visitors seem to have one address.
func (g *Gate) showsNoCode(r *Request) {
	if g.Hub.Scans.limits().line.Take(limit.Rate{Burst: 1, Every: time.Minute}) {
		g.Logger.Warn("too many codes are asked for; if all visitors seem to come from one address, set trusted_proxies",
			slog.String("site", r.origin), slog.String("network", request.NetworkName(request.MaskAddr(r.clientAddr()))))
	}
}

// mayAsk reports whether the store may be asked for the browser that shows a code.
func (l *scanLimits) mayAsk(id string, network netip.Prefix, now time.Time) bool {
	ok, _ := l.asked.Take(id, "", askBrowser)
	return ok && l.share.Take(network, now)
}
