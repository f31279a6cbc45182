package webhook

import (
	"context"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// typeTest is the type of a test event. No queue holds one: it is sent once,
// whatever events the webhook is configured for.
const typeTest ledger.EventKind = "test"

// Trial is the result of a test event.
type Trial struct {
	Status int           // of the answer; 0 if there was none
	Took   time.Duration // until the answer was read
	// Failure says in a few words why the event was not accepted; "" if it was.
	// It repeats nothing that the receiver wrote.
	Failure string
}

// Test sends one signed event of the type test to the configured URL, by the
// rules of every delivery, within 15 s. It changes nothing in the outbox and
// needs no lease. An error means that a field of the sender cannot be used.
func (s *Sender) Test(ctx context.Context) (Trial, error) {
	keys, err := s.keys()
	if err != nil {
		return Trial{}, err
	}
	m := message{Type: typeTest, Version: version, ID: ledger.NewID(), Timestamp: time.Now().UTC().Truncate(time.Second)}
	body, err := m.encode()
	if err != nil {
		return Trial{}, err
	}
	client := s.client()
	if s.transport != nil {
		client.Transport = s.transport
	}
	defer client.CloseIdleConnections()
	p := post{sender: s, client: client, keys: keys}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := p.request(ctx, m.ID, body)
	if err != nil {
		return Trial{}, errTarget
	}
	began := time.Now()
	status, o := p.send(request)
	return Trial{Status: status, Took: time.Since(began), Failure: o.reason}, nil
}
