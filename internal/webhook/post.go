package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

const maxAnswer = 64 << 10 // bytes of an answer that are read and discarded, so that the connection can be reused

// post makes attempts.
type post struct {
	sender *Sender
	client *http.Client
	keys   [][]byte
}

// outcome is the result of an attempt. reason is "" if the event was accepted,
// else a few words for the log and the outbox. It contains nothing that the
// receiver wrote, which might repeat an openid.
type outcome struct {
	reason string
	gone   bool          // 410
	after  time.Duration // Retry-After
}

// stage is where an event is after an attempt.
type stage int

const (
	aborted  stage = iota // the sender stopped the attempt, which does not count
	accepted              // delivered
	again                 // postponed
	buried                // among the dead letters
)

// deliver makes one attempt and records its result in the outbox. Until that
// succeeds the event stays in progress; otherwise it would be sent again at
// once.
func (p post) deliver(t *term, d ledger.Delivery) result {
	began := time.Now()
	r := result{delivery: d}
	r.outcome = p.attempt(t, &d.Event)
	if r.outcome.reason != "" && !t.holds() {
		return r // this sender stopped the attempt
	}
	var note func(context.Context) error
	r.stage, note = p.verdict(d, r.outcome, began)
	for {
		// Record an accepted event even if the term has just ended.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), storeTime)
		err := note(ctx)
		cancel()
		if err == nil || errors.Is(err, ledger.ErrNotFound) {
			return r
		}
		pause(t.ctx, poll)
		if t.ctx.Err() != nil {
			return r
		}
	}
}

// verdict counts an attempt and returns how to record it.
func (p post) verdict(d ledger.Delivery, o outcome, began time.Time) (stage, func(context.Context) error) {
	s := p.sender
	if o.reason == "" {
		s.sent.Add(1)
		return accepted, func(ctx context.Context) error { return s.Outbox.Sent(ctx, s.Target, d.ID) }
	}
	s.failed.Add(1)
	first := d.First
	if d.Attempts == 0 {
		first = began // before the first attempt, First is when the event was queued; it may have waited for others
	}
	at, ok := next(d.Attempts+1, first, time.Now(), o.after)
	if !ok || o.gone {
		s.buried.Add(1)
		return buried, func(ctx context.Context) error { return s.Outbox.Bury(ctx, s.Target, d.ID, o.reason) }
	}
	return again, func(ctx context.Context) error { return s.Outbox.Postpone(ctx, s.Target, d.ID, at, o.reason) }
}

// attempt posts an event once.
func (p post) attempt(t *term, e *ledger.Event) outcome {
	body, err := p.sender.Body(e)
	if err != nil {
		return outcome{reason: "the event cannot be encoded"}
	}
	ctx, cancel := context.WithTimeout(t.ctx, timeout)
	defer cancel()
	request, err := p.request(ctx, e.ID, body)
	if err != nil {
		return outcome{reason: "the address cannot be used"}
	}
	if !t.holds() {
		return outcome{reason: "another sender may have taken over"}
	}
	_, o := p.send(request)
	return o
}

// request makes the signed request of one attempt.
func (p post) request(ctx context.Context, id string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.sender.URL.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "wechat-gateway")
	sign(request.Header, p.keys, id, time.Now(), body)
	return request, nil
}

// send sends a request and returns the status of the answer, 0 if there was
// none.
func (p post) send(request *http.Request) (status int, o outcome) {
	response, err := p.client.Do(request)
	if err != nil {
		return 0, outcome{reason: why(request.Context(), err)}
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	return response.StatusCode, answered(response)
}

func answered(response *http.Response) outcome {
	status := response.StatusCode
	switch {
	case status >= 200 && status < 300:
		return outcome{}
	case status >= 300 && status < 400:
		return outcome{reason: fmt.Sprintf("answered %d; redirects are not followed", status)}
	}
	return outcome{
		reason: fmt.Sprintf("answered %d", status),
		gone:   status == http.StatusGone,
		after:  retryAfter(status, response.Header, time.Now()),
	}
}
