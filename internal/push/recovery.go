package push

import (
	"sync"
	"time"
)

// probePause is the pause after a failure of the ledger. Then one of the
// waiting steps tries again; when it succeeds, all others try too.
const probePause = time.Second

// recovery tells waiting steps when the ledger is back. Only one of them tries
// at a time. The zero value is ready.
type recovery struct {
	mu   sync.Mutex
	back chan struct{} // closed when a step succeeds
	turn chan struct{} // held by the step that tries
}

func (r *recovery) channels() (back <-chan struct{}, turn chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.back == nil {
		r.back = make(chan struct{})
	}
	if r.turn == nil {
		r.turn = make(chan struct{}, 1)
	}
	return r.back, r.turn
}

// succeeded lets all waiting steps try.
func (r *recovery) succeeded() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.back != nil {
		close(r.back)
		r.back = nil
	}
}

// wait returns when the caller may try again: in its turn, after another step
// has succeeded, or when stop is closed. release must be called after the try.
func (r *recovery) wait(stop <-chan struct{}) (release func()) {
	back, turn := r.channels()
	select {
	case turn <- struct{}{}:
	case <-back:
		return func() {}
	case <-stop:
		return func() {}
	}
	timer := time.NewTimer(probePause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-back:
	case <-stop:
	}
	return func() { <-turn }
}
