package wechat

import (
	"context"
	"errors"
	"time"
)

// LastCall is how the last call to WeChat ended.
type LastCall struct {
	Op  string // as in Error.Op
	At  time.Time
	Err error // an *Error, or nil; an error code is an answer too
}

// LastCall returns the last call that ended, and false if there was none. A
// call whose caller went away is left out: it says nothing about WeChat
// (attack: a visitor who closes the page makes WeChat look down).
func (c *Client) LastCall() (LastCall, bool) {
	last := c.last.Load()
	if last == nil {
		return LastCall{}, false
	}
	return *last, true
}

// ended remembers how a call ended.
func (c *Client) ended(op string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	c.last.Store(&LastCall{Op: op, At: time.Now(), Err: err})
}
