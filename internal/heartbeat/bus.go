package heartbeat

import "context"

// Bus carries messages between gateways. What one of them publishes on a channel
// reaches all that are subscribed to it, the sender too.
type Bus interface {
	// Publish sends one message.
	Publish(ctx context.Context, channel, message string) error

	// Subscribe calls receive for each message on the channels, one after the other,
	// in the order sent, until ctx is done or a message may have been lost; then it
	// returns an error. It does not subscribe again by itself. It calls receive no
	// more when it has returned.
	Subscribe(ctx context.Context, channels []string, receive func(channel, message string)) error
}

// Listener is a part of the gateway that hears one channel. Its methods are called
// one after the other. While one of them runs, nothing is heard, on no channel: they
// must return at once.
type Listener interface {
	// Receive takes in a message.
	Receive(message string)

	// Begin says that an unbroken time has begun. What was announced before may have
	// been missed. It is called again, without Break, when heartbeats come back after
	// a silence.
	Begin()

	// Break says that the subscription failed, and with it the unbroken time. It is
	// also called when the first attempt to subscribe fails, so that a wrong address
	// is seen early, and not for attempts that fail after another.
	Break(err error)
}

// Channel is one channel of a Connection.
type Channel struct {
	Connection *Connection
	Name       string
}

// Listen has a listener hear the channel. See [Connection.Listen].
func (c *Channel) Listen(l Listener) { c.Connection.Listen(c.Name, l) }

// Publish sends one message on the channel.
func (c *Channel) Publish(ctx context.Context, message string) error {
	return c.Connection.Bus.Publish(ctx, c.Name, message)
}

// Subscribe subscribes to the channel alone, on a connection of its own and without
// a heartbeat. Listen is better.
func (c *Channel) Subscribe(ctx context.Context, receive func(message string)) error {
	return c.Connection.Bus.Subscribe(ctx, []string{c.Name}, func(_, message string) { receive(message) })
}
