package gate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

const (
	// maxSigningIn is how many sign-ins are at work at once. Each asks the stores a
	// dozen times; a crowd that all did so at once would wait for each other longer
	// than a store may take, and everybody be told to come again.
	maxSigningIn = 64
	// admissionPatience is how long the others wait for their turn.
	admissionPatience = 30 * time.Second
)

// admission lets sign-ins in, some at a time. The zero value is ready.
type admission struct {
	once  sync.Once
	slots chan struct{}
}

// errCrowded: nothing has begun, and no code is spent.
var errCrowded = errors.New("gate: too many sign-ins at once")

// enter waits for a turn. leave must be called when it is over.
func (a *admission) enter(ctx context.Context) (leave func(), err error) {
	a.once.Do(func() { a.slots = make(chan struct{}, maxSigningIn) })
	leave = func() { <-a.slots }
	select {
	case a.slots <- struct{}{}:
		return leave, nil
	default:
	}
	timer := time.NewTimer(admissionPatience)
	defer timer.Stop()
	select {
	case a.slots <- struct{}{}:
		return leave, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil, fmt.Errorf("%w: %w", errCrowded, session.ErrUnavailable)
}
