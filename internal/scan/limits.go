package scan

import (
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
	// ShowBrowser is the same for one browser, which shows one code for two minutes.
	ShowBrowser = limit.Rate{Burst: 5, Every: 10 * time.Second}
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

// Limits bounds what browsers outside WeChat make a gateway do.
type Limits struct {
	networks, addresses, browsers, asked limit.Keyed
	share                                limit.Share
	line                                 limit.One // of the log
}

func newLimits() *Limits {
	return &Limits{share: limit.Share{Total: maxAsks, Most: maxAsksNetwork}}
}

// MayShow reports whether a browser may be shown another code. browser is "" where
// nothing tells it from the others at its address.
func (l *Limits) MayShow(browser string, addr netip.Addr) bool {
	// The narrowest first: who asks too often takes nothing from those around.
	if browser != "" {
		if ok, _ := l.browsers.Take(browser, "", ShowBrowser); !ok {
			return false
		}
	}
	if ok, _ := l.addresses.Take(addr.String(), "", showAddress); !ok {
		return false
	}
	ok, _ := l.networks.Take(request.NetworkOf(addr).String(), "", showNetwork)
	return ok
}

// MayLog reports whether a refusal may have a line in the log, at most once a minute.
func (l *Limits) MayLog() bool { return l.line.Take(limit.Rate{Burst: 1, Every: time.Minute}) }

// MayAsk reports whether the store may be asked for the browser that shows a code.
func (l *Limits) MayAsk(id string, network netip.Prefix, now time.Time) bool {
	ok, _ := l.asked.Take(id, "", askBrowser)
	return ok && l.share.Take(network, now)
}
