package signin

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

const (
	// maxSigningIn is how many sign-ins run at once in one queue. Each makes a
	// dozen calls to the stores; if a crowd made them all at once, they would
	// delay each other beyond the stores' timeout, and every sign-in would
	// fail. A sign-in mostly waits for WeChat, so all queues of a gateway
	// together still make few store calls at once.
	maxSigningIn = 64
	// maxWaiting is how many more wait in one queue. If a sign-in takes a tenth
	// of a second, the last one waits less than two seconds.
	maxWaiting = 1024
	// admissionPatience is how long a sign-in waits for its turn.
	admissionPatience = 30 * time.Second
)

var (
	// ErrTooBusy says that too many sign-ins are running. The sign-in has not
	// begun, and its code is not spent.
	ErrTooBusy = outage.NotDown(fmt.Errorf("signin: too many sign-ins at once: %w", session.ErrUnavailable))
	// ErrClientGone says that the request ended before its turn.
	ErrClientGone = errors.New("signin: the client left before its turn")
)

// admissions limits how many sign-ins run at once in each queue: a flood in one
// queue takes no place in another (attack: invented codes at a mini program's
// login keep browsers out). The zero value is ready.
type admissions struct {
	mu     sync.Mutex
	queues map[string]*admission // by queue; one for each account that was ever configured
}

// load returns how many sign-ins run and how many wait, in all queues.
func (a *admissions) load() (running, waiting int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, queue := range a.queues {
		queue.mu.Lock()
		running, waiting = running+queue.busy, waiting+queue.waiting
		queue.mu.Unlock()
	}
	return running, waiting
}

// at returns the admission of a queue.
func (a *admissions) at(queue string) *admission {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.queues == nil {
		a.queues = make(map[string]*admission)
	}
	if a.queues[queue] == nil {
		a.queues[queue] = &admission{held: make(map[netip.Prefix]int), waiters: make(map[netip.Prefix][]*waiter)}
	}
	return a.queues[queue]
}

// admission limits the sign-ins of one queue. While some wait, a free place
// goes to the client network that holds the fewest, so that one network cannot
// keep the others out. A network without competition may take all places.
type admission struct {
	mu      sync.Mutex
	busy    int                  // taken places
	held    map[netip.Prefix]int // taken places by network
	waiters map[netip.Prefix][]*waiter
	waiting int    // waiters of all networks
	arrived uint64 // waiters so far
}

// waiter is a sign-in that waits for a place.
type waiter struct {
	number   uint64        // the order of its arrival
	settled  chan struct{} // closed when it gets a place or is sent away
	sentAway bool          // it was sent away
}

// enter waits for a place. The caller must call release when the sign-in has
// ended.
func (a *admission) enter(ctx context.Context, from netip.Prefix) (release func(), err error) {
	w, err := a.join(from)
	if err != nil {
		return nil, err
	}
	release = func() { a.release(from) }
	if w == nil {
		return release, nil
	}
	timer := time.NewTimer(admissionPatience)
	defer timer.Stop()
	why := ErrTooBusy
	select {
	case <-w.settled:
	case <-timer.C:
	case <-ctx.Done():
		why = ErrClientGone
	}
	switch {
	case a.giveUp(from, w):
		return nil, why
	case w.sentAway:
		return nil, ErrTooBusy
	case errors.Is(why, ErrClientGone):
		release() // it got a place at the same moment: pass it on
		return nil, ErrClientGone
	default:
		return release, nil
	}
}

// join takes a place or waits in its network's line. When the queue is full, a
// network with a shorter line still gets in: the newest waiter of the longest
// line is sent away (attack: a flood fills the queue and keeps all others out).
func (a *admission) join(from netip.Prefix) (*waiter, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.busy < maxSigningIn {
		a.take(from)
		return nil, nil
	}
	if a.waiting >= maxWaiting {
		longest := from
		for network, line := range a.waiters {
			if len(line) > len(a.waiters[longest]) {
				longest = network
			}
		}
		line := a.waiters[longest]
		if len(a.waiters[from])+1 >= len(line) {
			return nil, ErrTooBusy
		}
		last := line[len(line)-1]
		a.remove(longest, len(line)-1)
		last.sentAway = true
		close(last.settled)
	}
	a.arrived++
	w := &waiter{number: a.arrived, settled: make(chan struct{})}
	a.waiters[from] = append(a.waiters[from], w)
	a.waiting++
	return w, nil
}

// giveUp removes a waiter from its line and reports whether it was still
// waiting.
func (a *admission) giveUp(from netip.Prefix, w *waiter) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, other := range a.waiters[from] {
		if other == w {
			a.remove(from, i)
			return true
		}
	}
	return false
}

// release gives a place to the next waiter.
func (a *admission) release(from netip.Prefix) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy--
	if a.held[from]--; a.held[from] <= 0 {
		delete(a.held, from)
	}
	var first *waiter
	var next netip.Prefix
	for network, line := range a.waiters {
		if w := line[0]; first == nil || a.held[network] < a.held[next] || a.held[network] == a.held[next] && w.number < first.number {
			first, next = w, network
		}
	}
	if first != nil {
		a.remove(next, 0)
		a.take(next)
		close(first.settled)
	}
}

func (a *admission) take(from netip.Prefix) {
	a.busy++
	a.held[from]++
}

// remove removes the waiter at an index from a network's line.
func (a *admission) remove(from netip.Prefix, at int) {
	line := a.waiters[from]
	copy(line[at:], line[at+1:])
	line[len(line)-1] = nil
	if a.waiters[from] = line[:len(line)-1]; len(line) == 1 {
		delete(a.waiters, from)
	}
	a.waiting--
}
