package counters

import "sync/atomic"

// Counter is a number that only grows. The zero value is ready, and so is a nil
// pointer, which counts nothing. It must not be copied.
type Counter struct{ n atomic.Uint64 }

// Inc adds one.
func (c *Counter) Inc() {
	if c != nil {
		c.n.Add(1)
	}
}

// Load returns the number.
func (c *Counter) Load() uint64 {
	if c == nil {
		return 0
	}
	return c.n.Load()
}
