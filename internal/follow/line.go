package follow

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Limits of the questions about one account, on one gateway. WeChat allows
// 5,000,000 a day (wechat-protocol E4): 20 a second are 1,728,000.
const (
	perSecond        = 20
	perSecondNetwork = 10
	maxAtOnce        = 64
)

// How long WeChat is left alone after a failure.
const (
	pauseShort = 5 * time.Second  // it does not answer
	pauseLong  = time.Minute      // too many calls this minute, or the operator must act
	pauseStop  = 10 * time.Minute // the quota of the day is used up
)

// ErrBusy reports that too many questions are asked at once. Nothing is down.
var ErrBusy = outage.NotDown(errors.New("follow: too many questions about followers at once"))

// line limits the questions about one account.
type line struct {
	share  limit.Share
	places limit.Places

	mu     sync.Mutex
	failed error     // of the last question, nil after a success
	until  time.Time // WeChat is not asked before this
	probes bool      // one question tries whether WeChat answers again
}

func newLine() *line {
	return &line{share: limit.Share{Total: perSecond, Most: perSecondNetwork}}
}

// enter admits a question. The caller must call leave with its outcome.
func (l *line) enter(network netip.Prefix, now time.Time) (leave func(error), err error) {
	probe, err := l.mayAsk(now)
	if err != nil {
		return nil, err
	}
	out, ok := l.places.Enter(maxAtOnce, network)
	if ok && !l.share.Take(network, now) {
		out()
		ok = false
	}
	if !ok {
		l.left(probe, nil)
		return nil, ErrBusy
	}
	return func(err error) {
		out()
		l.left(probe, &err)
	}, nil
}

// mayAsk returns the last error while WeChat is left alone, and to all but one
// until that one has been answered (attack: a crowd waits for WeChat while it
// hangs, all at once, again and again).
func (l *line) mayAsk(now time.Time) (probe bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		return false, nil
	}
	if l.probes || now.Before(l.until) {
		return false, l.failed
	}
	l.probes = true
	return true, nil
}

// left notes the outcome of a question, nil if it was not asked.
func (l *line) left(probe bool, outcome *error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if probe {
		l.probes = false
	}
	switch {
	case outcome == nil:
	case *outcome == nil:
		l.failed = nil
	case aboutPerson(*outcome):
	default:
		l.failed, l.until = *outcome, time.Now().Add(pauseAfter(*outcome))
	}
}

// aboutPerson reports whether WeChat refused a question about one openid, so
// that it answers about others.
func aboutPerson(err error) bool { return errors.Is(err, wechat.ErrDeny) }

// pauseAfter returns how long WeChat is left alone.
func pauseAfter(err error) time.Duration {
	switch {
	case errors.Is(err, wechat.ErrStop), errors.Is(err, wechat.ErrBackoff):
		return pauseStop
	case errors.Is(err, wechat.ErrThrottled), errors.Is(err, wechat.ErrAlert):
		return pauseLong
	default:
		return pauseShort
	}
}
