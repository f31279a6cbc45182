package wechattest

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// How WeChat pushes (wechat-protocol F4).
const (
	pushTries     = 3
	pushWait      = 5 * time.Second // for an answer, and between the starts of two attempts
	maxPushWait   = time.Minute
	maxPushAnswer = 16 << 10 // bytes read of an answer
	maxPushes     = 1000     // remembered
	maxPushing    = 64       // in the background, at once
)

// outgoing is a push to send.
type outgoing struct {
	account Account
	message message
}

// pusher sends pushes.
type pusher struct {
	transport http.RoundTripper
	wait      time.Duration

	mu      sync.Mutex
	running int
	group   sync.WaitGroup
	log     pushLog
}

// newTransport dials loopback only (attack: request forgery, where a client
// changes an account's settings to reach other machines). It keeps no
// connection.
func newTransport(config Config) *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Control: loopbackOnly}).DialContext,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig:        &tls.Config{RootCAs: config.ReplayRootCAs},
	}
}

// background runs f, which must end soon after s.closed. It returns false if it
// did not start f: after Close, or if too many are running.
func (s *Server) background(f func()) bool {
	p := &s.pusher
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running >= maxPushing || s.closed.Err() != nil {
		return false
	}
	p.running++
	p.group.Go(func() {
		f()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running--
	})
	return true
}

// send delivers a push. It returns when the push was accepted or given up, or
// the Server is closed.
func (s *Server) send(o outgoing) Pushed {
	odd := s.odds(&o)
	if odd.twice {
		copied := o
		s.background(func() { s.deliver(copied, odd) })
	}
	return s.deliver(o, odd)
}

// deliver makes up to three attempts.
func (s *Server) deliver(o outgoing, odd pushOdds) Pushed {
	id := s.pusher.log.begin(o)
	for try := 1; try <= pushTries; try++ {
		began := time.Now()
		attempt, reply := s.attempt(o, odd)
		last := attempt.Accepted || try == pushTries || s.closed.Err() != nil
		pushed := s.pusher.log.note(id, attempt, reply, last)
		s.logf("push %s attempt %d: status=%d accepted=%t%s", o.message.what(), try, attempt.Status, attempt.Accepted, attempt.why())
		if last {
			return pushed
		}
		select {
		case <-time.After(time.Until(began.Add(s.pusher.wait))):
		case <-s.closed.Done():
			return s.pusher.log.note(id, Attempt{}, "", true)
		}
	}
	return Pushed{} // unreachable: the last attempt returns
}

// attempt makes one attempt.
func (s *Server) attempt(o outgoing, odd pushOdds) (Attempt, string) {
	target, body, err := o.write(odd)
	if err != nil {
		return Attempt{Time: time.Now(), Err: err}, ""
	}
	attempt, answer := s.exchange(http.MethodPost, target, o.account.Push.Format, body)
	reply := ""
	if attempt.Err == nil && attempt.Status == http.StatusOK {
		reply, attempt.Err = o.account.judge(answer)
		attempt.Accepted = attempt.Err == nil
	}
	return attempt, reply
}

// exchange sends one request, and follows no redirect.
func (s *Server) exchange(method, target string, format PushFormat, body []byte) (Attempt, []byte) {
	attempt := Attempt{Time: time.Now()}
	done := func(err error) (Attempt, []byte) {
		attempt.Duration, attempt.Err = time.Since(attempt.Time), inner(err)
		return attempt, nil
	}
	ctx, cancel := context.WithTimeout(s.closed, s.pusher.wait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body)) //nolint:gosec // the transport dials loopback only
	if err != nil {
		return done(err)
	}
	request.Header.Set("User-Agent", "Mozilla/4.0")
	request.Header.Set("Accept", "*/*")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", map[PushFormat]string{PushXML: "text/xml", PushJSON: "application/json"}[format])
	}
	response, err := s.pusher.transport.RoundTrip(request)
	if err != nil {
		return done(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxPushAnswer+1))
	attempt.Status, attempt.Answer = response.StatusCode, string(answer[:min(len(answer), maxShownAnswer)])
	if err == nil && len(answer) > maxPushAnswer {
		err = fmt.Errorf("%w: the answer is longer than %d bytes", ErrBadPush, maxPushAnswer)
	}
	if err != nil {
		return done(err)
	}
	attempt.Duration = time.Since(attempt.Time)
	return attempt, answer
}

// write makes the address and body of one attempt.
func (o outgoing) write(odd pushOdds) (target string, body []byte, err error) {
	p := o.account.Push
	timestamp, nonce := strconv.FormatInt(time.Now().Unix(), 10), newNonce()
	wrong := func(signature string) string {
		if odd.badSignature {
			return signPush(signature) // a wrong signature of the same length
		}
		return signature
	}
	query := "signature=" + wrong(signPush(p.Token, timestamp, nonce)) + "&timestamp=" + timestamp + "&nonce=" + nonce
	if from := o.message.get("FromUserName"); from != "" {
		query += "&openid=" + url.QueryEscape(from)
	}
	clear := o.message.write(p.Format, odd.oddJSON)
	if p.Mode == PushPlain {
		return join(p.URL, query), clear, nil
	}
	appID := o.account.AppID
	if odd.wrongAppID {
		appID = "wx00000000000bad00"
	}
	encrypted, err := SealPush(p.AESKey, appID, clear)
	if err != nil {
		return "", nil, err
	}
	query += "&encrypt_type=aes&msg_signature=" + wrong(signPush(p.Token, timestamp, nonce, encrypted))
	outer := message{{"ToUserName", o.message.get("ToUserName")}}
	if p.Mode == PushCompat {
		outer = append(message{}, o.message...)
	}
	outer = append(outer, Member{"Encrypt", encrypted})
	return join(p.URL, query), outer.write(p.Format, odd.oddJSON), nil
}

func join(target, query string) string {
	if strings.Contains(target, "?") {
		return target + "&" + query
	}
	return target + "?" + query
}

// CheckPush checks an account's push address, as WeChat's console does before
// it saves the settings. It is accepted if the answer is exactly the echo. It
// makes one attempt. Errors: ErrUnknown, ErrNoPush.
func (s *Server) CheckPush(appID string) (Pushed, error) {
	a, err := s.pushable(appID)
	if err != nil {
		return Pushed{}, err
	}
	timestamp, nonce, echo := strconv.FormatInt(time.Now().Unix(), 10), newNonce(), newNonce()+newNonce()
	query := "signature=" + signPush(a.Push.Token, timestamp, nonce) + "&echostr=" + echo + "&timestamp=" + timestamp + "&nonce=" + nonce
	id := s.pusher.log.begin(outgoing{account: a})
	attempt, answer := s.exchange(http.MethodGet, join(a.Push.URL, query), a.Push.Format, nil)
	attempt.Accepted = attempt.Err == nil && attempt.Status == http.StatusOK && string(answer) == echo
	s.logf("push check: status=%d accepted=%t", attempt.Status, attempt.Accepted)
	return s.pusher.log.note(id, attempt, "", true), nil
}

// pushable returns an account that has a push address.
func (s *Server) pushable(appID string) (Account, error) {
	a, ok := s.roster.account(appID)
	switch {
	case !ok:
		return Account{}, fmt.Errorf("%w: account %.64q", ErrUnknown, appID)
	case a.Push.URL == "":
		return a, fmt.Errorf("%w: %s", ErrNoPush, appID)
	}
	return a, nil
}
