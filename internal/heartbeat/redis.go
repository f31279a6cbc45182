package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// quiet is how long a subscription may be silent before it counts as broken. A
// Connection that is subscribed publishes several times a second.
const quiet = 5 * time.Second

// errResubscribed means that go-redis has connected again by itself.
var errResubscribed = errors.New("the connection was made anew, messages may be lost")

// Redis is a Bus over Pub/Sub of any Redis: one server, Sentinel or Cluster.
//
// Why Pub/Sub, and not the client-side caching of Redis (CLIENT TRACKING):
// go-redis supports that for one server, database 0 and RESP3 only, not for
// Sentinel or Cluster, and does not report missed messages. Nor is it faster;
// see session.Bus.
type Redis struct {
	// Client is required.
	Client redis.UniversalClient
}

var _ Bus = Redis{}

// Publish implements Bus.
func (r Redis) Publish(ctx context.Context, channel, message string) error {
	if err := r.Client.Publish(ctx, channel, message).Err(); err != nil {
		return fmt.Errorf("heartbeat: publishing: %w", err)
	}
	return nil
}

// Subscribe implements Bus, with one connection for all channels.
func (r Redis) Subscribe(ctx context.Context, channels []string, receive func(channel, message string)) error {
	sub := r.Client.Subscribe(ctx)
	// A blocked read ignores the context; closing the connection ends it.
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer func() {
		if stop() {
			_ = sub.Close()
		}
	}()
	// One command for all channels: Redis subscribes to all of them at one
	// moment. In a Cluster the node of the first channel is asked.
	if err := sub.Subscribe(ctx, channels...); err != nil {
		return fmt.Errorf("heartbeat: subscribing: %w", err)
	}
	for confirmed := 0; ; {
		got, err := sub.ReceiveTimeout(ctx, quiet)
		if ctx.Err() != nil {
			return fmt.Errorf("heartbeat: receiving: %w", ctx.Err())
		}
		if err != nil {
			return fmt.Errorf("heartbeat: receiving: %w", err)
		}
		switch m := got.(type) {
		case *redis.Subscription:
			if confirmed++; confirmed > len(channels) {
				return fmt.Errorf("heartbeat: receiving: %w", errResubscribed)
			}
		case *redis.Message:
			receive(m.Channel, m.Payload)
		}
	}
}
