package wechat

import (
	"context"
	"errors"
	"time"
)

// busyWaits are the pauses before a call is repeated because WeChat is busy.
// Only this answer (-1) is followed by the same call, because WeChat has then
// done nothing. A call that was cut off is never repeated.
var busyWaits = [...]time.Duration{200 * time.Millisecond, 800 * time.Millisecond}

// retryBusy repeats a call while WeChat says that it is busy.
func retryBusy(ctx context.Context, ask func() (reply, error)) (reply, error) {
	for _, wait := range busyWaits {
		r, err := ask()
		if !isBusy(err) || !sleep(ctx, wait) {
			return r, err
		}
	}
	return ask()
}

// isBusy reports whether WeChat said that it is busy.
func isBusy(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Remedy == RemedyRetry
}
