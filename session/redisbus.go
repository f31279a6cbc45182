package session

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/heartbeat"
)

// RedisBus is a Bus over Redis Pub/Sub.
type RedisBus struct {
	// Client is required: standalone, Sentinel or Cluster.
	Client redis.UniversalClient

	// Channel is the name of the channel: Redis.Channel().
	Channel string
}

var _ Bus = RedisBus{}

// Publish sends a message to every subscriber. It fails with ErrUnavailable.
func (b RedisBus) Publish(ctx context.Context, message string) error {
	if err := b.Client.Publish(ctx, b.Channel, message).Err(); err != nil {
		return unavailable("publishing", err)
	}
	return nil
}

// Subscribe receives messages until the context is done or the connection
// fails. It does not connect again by itself: messages would be lost unnoticed.
// See Bus.
func (b RedisBus) Subscribe(ctx context.Context, receive func(message string)) error {
	bus := heartbeat.Redis{Client: b.Client}
	return unavailable("listening", bus.Subscribe(ctx, []string{b.Channel}, func(_, message string) { receive(message) }))
}
