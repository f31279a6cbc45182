package session_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// counted is a store that counts its loads, and fails or waits when told to.
type counted struct {
	session.Store
	loads atomic.Int64
	down  atomic.Bool
	delay atomic.Int64
}

func (c *counted) Load(ctx context.Context, value string, b session.Binding) (*session.Session, error) {
	c.loads.Add(1)
	s, err := c.Store.Load(ctx, value, b) // what was true when it was asked
	time.Sleep(time.Duration(c.delay.Load()))
	if c.down.Load() {
		return nil, fmt.Errorf("%w: %w", session.ErrUnavailable, io.ErrUnexpectedEOF)
	}
	return s, err
}

// line is a bus that can be cut.
type line struct {
	mu   sync.Mutex
	ears map[int]chan string
	next int
	cut  atomic.Bool // nothing arrives any more, and nobody is told
	sent atomic.Int64
}

func (w *line) Publish(_ context.Context, message string) error {
	w.sent.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ear := range w.ears {
		if !w.cut.Load() {
			ear <- message
		}
	}
	return nil
}

func (w *line) Subscribe(ctx context.Context, receive func(string)) error {
	ear := make(chan string, 1024)
	w.mu.Lock()
	if w.ears == nil {
		w.ears = map[int]chan string{}
	}
	n := w.next
	w.next++
	w.ears[n] = ear
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.ears, n)
	}()
	for {
		select {
		case message := <-ear:
			receive(message)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
