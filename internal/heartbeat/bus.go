package heartbeat

import "context"

// Bus carries messages between gateways. A message that one gateway publishes
// on a channel reaches all subscribers of the channel, the sender too.
type Bus interface {
	// Publish sends one message.
	Publish(ctx context.Context, channel, message string) error

	// Subscribe calls receive for each message on the channels, one after the
	// other, in the order sent, until ctx is done or a message may have been
	// lost; then it returns an error. It does not subscribe again by itself,
	// and does not call receive after it has returned.
	Subscribe(ctx context.Context, channels []string, receive func(channel, message string)) error
}

// Listener is a part of the gateway that hears one channel. Its methods are
// called one after the other and must return at once: while one of them runs,
// no channel is heard.
type Listener interface {
	// Receive handles a message.
	Receive(message string)

	// Begin reports that an unbroken time has begun. Earlier announcements may
	// have been missed. It is called again, without Break, when heartbeats come
	// back after a silence.
	Begin()

	// Break reports that the subscription failed, which ends the unbroken time.
	// It is also called when the first attempt to subscribe fails, so that a
	// wrong address is seen early, but not for later attempts that fail after
	// another.
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

// Subscribe subscribes to the channel alone, on its own connection and without
// a heartbeat. Listen is better.
func (c *Channel) Subscribe(ctx context.Context, receive func(message string)) error {
	return c.Connection.Bus.Subscribe(ctx, []string{c.Name}, func(_, message string) { receive(message) })
}
