package scan

import (
	"net/netip"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/request"
)

// The limits for the steps of a sign-in by a phone. Any visitor can do each of
// these steps.
var (
	// showNetwork limits the codes shown to a network, such as an office behind
	// one address (attack: codes are requested until the number is, say, 888).
	showNetwork = limit.Rate{Burst: 60, Every: time.Second}
	// showAddress limits them for one address, so that it uses only a part of
	// its network's limit.
	showAddress = limit.Rate{Burst: 20, Every: 3 * time.Second}
	// ShowBrowser limits them for one browser, which shows one code for two
	// minutes.
	ShowBrowser = limit.Rate{Burst: 5, Every: 10 * time.Second}
	// askBrowser limits how often a browser may ask for the phone's answer. Our
	// page asks every two seconds.
	askBrowser = limit.Rate{Burst: 5, Every: time.Second}
)

const (
	// maxAsks is how many calls per second a gateway makes to its store for
	// browsers without a stream, maxAsksNetwork for those of one network.
	// Browsers beyond that get "waiting" and ask again.
	maxAsks, maxAsksNetwork = 2000, 400
)

// Limits bounds the work that browsers outside WeChat cause.
type Limits struct {
	networks, addresses, browsers, asked limit.Keyed
	share                                limit.Share
	line                                 limit.Line // for the log
}

func newLimits() *Limits {
	return &Limits{share: limit.Share{Total: maxAsks, Most: maxAsksNetwork}}
}

// MayShow reports whether a browser may be shown another code. browser is "" if
// it cannot be told from others at its address.
func (l *Limits) MayShow(browser string, addr netip.Addr) bool {
	// Check the narrowest limit first: a browser that asks too often does not
	// use up the limits of its network.
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

// Line limits the log line about refused codes.
func (l *Limits) Line() *limit.Line { return &l.line }

// MayAsk reports whether the store may be called for the browser that shows a
// code.
func (l *Limits) MayAsk(id string, network netip.Prefix, now time.Time) bool {
	ok, _ := l.asked.Take(id, "", askBrowser)
	return ok && l.share.Take(network, now)
}
