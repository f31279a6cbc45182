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
	// maxSigningIn is how many sign-ins are at work at once at one door. Each asks
	// the stores a dozen times; a crowd that all did so at once would wait for each
	// other longer than a store may take, and everybody be told to come again. Most
	// of its time a sign-in waits for WeChat, so the doors of one gateway together
	// still ask the stores a few at a time.
	maxSigningIn = 64
	// maxWaiting is how many more wait at one door. At a tenth of a second for each
	// sign-in the last of them waits for less than two seconds.
	maxWaiting = 1024
	// admissionPatience is how long they wait for their turn.
	admissionPatience = 30 * time.Second
)

var (
	// ErrCrowded says that too many sign-ins are at work. Nothing has begun, and no
	// code is spent.
	ErrCrowded = outage.NotDown(fmt.Errorf("signin: too many sign-ins at once: %w", session.ErrUnavailable))
	// ErrLeft says that the request left the line before its turn.
	ErrLeft = errors.New("signin: the client left before its turn")
)

// admissions lets sign-ins in, some at a time at each door: a flood at one door takes
// nothing from another (attack: invented codes at a mini program's login keep browsers
// out). The zero value is ready.
type admissions struct {
	mu    sync.Mutex
	doors map[string]*admission // as many as accounts were configured
}

// at returns the admission of a door.
func (a *admissions) at(door string) *admission {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.doors == nil {
		a.doors = make(map[string]*admission)
	}
	if a.doors[door] == nil {
		a.doors[door] = &admission{held: make(map[netip.Prefix]int), lines: make(map[netip.Prefix][]*waiter)}
	}
	return a.doors[door]
}

// admission lets the sign-ins of one door in. While some wait, a free place goes to
// the client network that has the fewest, so that one network cannot keep the others
// out; a network that is alone may have all.
type admission struct {
	mu      sync.Mutex
	busy    int                  // places that are taken
	held    map[netip.Prefix]int // of them, by network
	lines   map[netip.Prefix][]*waiter
	waiting int    // in all lines
	arrived uint64 // ever
}

// waiter is one who waits for a place.
type waiter struct {
	number  uint64        // of its arrival
	settled chan struct{} // closed when it has a place, or was sent away
	sent    bool          // away
}

// enter waits for a place. leave must be called when the sign-in is over.
func (a *admission) enter(ctx context.Context, from netip.Prefix) (leave func(), err error) {
	w, err := a.join(from)
	if err != nil {
		return nil, err
	}
	leave = func() { a.leave(from) }
	if w == nil {
		return leave, nil
	}
	timer := time.NewTimer(admissionPatience)
	defer timer.Stop()
	why := ErrCrowded
	select {
	case <-w.settled:
	case <-timer.C:
	case <-ctx.Done():
		why = ErrLeft
	}
	switch {
	case a.quit(from, w):
		return nil, why
	case w.sent:
		return nil, ErrCrowded
	case errors.Is(why, ErrLeft):
		leave() // the place came at the same moment: it is another's
		return nil, ErrLeft
	default:
		return leave, nil
	}
}

// join takes a place, or gets in line. A line that is full has room for a network
// with few in it: the newest of the longest line is sent away (attack: a flood fills
// the line against everybody else).
func (a *admission) join(from netip.Prefix) (*waiter, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.busy < maxSigningIn {
		a.take(from)
		return nil, nil
	}
	if a.waiting >= maxWaiting {
		longest := from
		for network, line := range a.lines {
			if len(line) > len(a.lines[longest]) {
				longest = network
			}
		}
		line := a.lines[longest]
		if len(a.lines[from])+1 >= len(line) {
			return nil, ErrCrowded
		}
		last := line[len(line)-1]
		a.remove(longest, len(line)-1)
		last.sent = true
		close(last.settled)
	}
	a.arrived++
	w := &waiter{number: a.arrived, settled: make(chan struct{})}
	a.lines[from] = append(a.lines[from], w)
	a.waiting++
	return w, nil
}

// quit takes one who waits out of the line, and reports whether it stood there still.
func (a *admission) quit(from netip.Prefix, w *waiter) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, other := range a.lines[from] {
		if other == w {
			a.remove(from, i)
			return true
		}
	}
	return false
}

// leave gives a place to the next who waits.
func (a *admission) leave(from netip.Prefix) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy--
	if a.held[from]--; a.held[from] <= 0 {
		delete(a.held, from)
	}
	var first *waiter
	var next netip.Prefix
	for network, line := range a.lines {
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

// remove takes out of a network's line who stands at a place.
func (a *admission) remove(from netip.Prefix, at int) {
	line := a.lines[from]
	copy(line[at:], line[at+1:])
	line[len(line)-1] = nil
	if a.lines[from] = line[:len(line)-1]; len(line) == 1 {
		delete(a.lines, from)
	}
	a.waiting--
}
