package session

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisBus is a Bus over Redis Pub/Sub.
type RedisBus struct {
	// Client is needed. Any: standalone, Sentinel, Cluster.
	Client redis.UniversalClient

	// Channel is the name of the channel: Redis.Channel().
	Channel string
}

var _ Bus = RedisBus{}

// busSilence is how long a subscription may be silent before it counts as broken:
// every Near that is subscribed publishes several times a second.
const busSilence = 5 * time.Second

// Publish sends a message to every subscriber. It fails with ErrUnavailable.
func (b RedisBus) Publish(ctx context.Context, message string) error {
	if err := b.Client.Publish(ctx, b.Channel, message).Err(); err != nil {
		return unavailable("publishing", err)
	}
	return nil
}

// Subscribe receives messages until the context is done or the connection fails.
// It does not connect again by itself: messages would be lost without anybody
// knowing. See Bus.
func (b RedisBus) Subscribe(ctx context.Context, receive func(message string)) error {
	sub := b.Client.Subscribe(ctx, b.Channel)
	// A blocked read does not see the context; closing the connection ends it.
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer func() {
		if stop() {
			_ = sub.Close()
		}
	}()
	for {
		got, err := sub.ReceiveTimeout(ctx, busSilence)
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
		if err != nil {
			return unavailable("receiving", err)
		}
		if m, ok := got.(*redis.Message); ok {
			receive(m.Payload)
		}
	}
}
