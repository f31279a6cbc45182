package wechattest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	maxReplays    = 64 // at the same time, and kept
	replayTimeout = 10 * time.Second

	// crawlerUserAgent looks genuine, as WeChat's crawler does (wechat-protocol
	// J2).
	crawlerUserAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 9_3_3 like Mac OS X) AppleWebKit/601.1.46 (KHTML, like Gecko) " +
		"Mobile/13G34 MicroMessenger/6.5.9 NetType/WIFI Language/zh_CN"
)

// Replayed is a callback that was fetched again. It does not have the address,
// which contains a code.
type Replayed struct {
	Time   time.Time // when the answer came
	Status int       // 0 without an answer
	Err    error     // why there is no answer, without the address; nil with an answer
}

type replayer struct {
	mu      sync.Mutex
	running int
	done    []Replayed
	group   sync.WaitGroup
}

// Replays returns the newest 64 replays of Quirks.ReplayWithoutCookies, oldest
// first.
func (s *Server) Replays() []Replayed {
	s.replay.mu.Lock()
	defer s.replay.mu.Unlock()
	return slices.Clone(s.replay.done)
}

// replayLater fetches a callback after delay, unless too many are waiting or
// the Server is closed first.
func (s *Server) replayLater(target string, delay time.Duration) {
	s.replay.mu.Lock()
	defer s.replay.mu.Unlock()
	if s.replay.running >= maxReplays || s.closed.Err() != nil {
		return
	}
	s.replay.running++
	s.replay.group.Go(func() {
		select {
		case <-time.After(delay):
		case <-s.closed.Done():
		}
		var result Replayed
		if s.closed.Err() == nil {
			result = s.fetch(target)
			s.logf("the crawler fetched a callback: status=%d", result.Status)
		}
		s.replay.mu.Lock()
		defer s.replay.mu.Unlock()
		s.replay.running--
		if result.Time.IsZero() {
			return
		}
		if s.replay.done = append(s.replay.done, result); len(s.replay.done) > maxReplays {
			s.replay.done = s.replay.done[1:]
		}
	})
}

// fetch sends one request: no cookies, no redirects.
func (s *Server) fetch(target string) Replayed {
	ctx, cancel := context.WithTimeout(s.closed, replayTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil) //nolint:gosec // allowDial keeps it on loopback
	if err != nil {
		return Replayed{Time: time.Now(), Err: inner(err)}
	}
	request.Header.Set("User-Agent", crawlerUserAgent)
	request.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	transport := &http.Transport{
		DialContext:       (&net.Dialer{Control: s.allowDial}).DialContext,
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: s.config.ReplayRootCAs},
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return Replayed{Time: time.Now(), Err: inner(err)}
	}
	_ = response.Body.Close()
	return Replayed{Time: time.Now(), Status: response.StatusCode}
}

// allowDial keeps the crawler on loopback, because the client that opened the
// authorize page chose the callback (attack: request forgery). It checks the
// address that is dialled, not the name.
func (s *Server) allowDial(_, address string, _ syscall.RawConn) error {
	if s.config.AllowReplayHosts {
		return nil
	}
	return loopbackOnly("", address, nil)
}

// loopbackOnly refuses to dial other machines.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	if ip, err := netip.ParseAddrPort(address); err != nil || !ip.Addr().Unmap().IsLoopback() {
		return ErrNotLoopback
	}
	return nil
}

// inner removes the address, which contains a code, from an error.
func inner(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
