package follow

import (
	"context"
	"time"
)

// recheckPause is how far apart two questions about visitors of running requests
// begin: at most a quarter of what may be asked, so that they keep no page
// waiting.
const recheckPause = time.Second / (perSecond / 4)

// Recheck has WeChat asked, in the background, about the visitor of a running
// request, who was let in, if the last answer is old. [Followers.Left] knows the
// answer then. Attack: without message push, a visitor who unfollowed keeps a
// socket open, and asks for nothing else.
func (f *Followers) Recheck(q Question) {
	account, ok := q.Person.Account(q.appID())
	if !ok || f.Memory.last(&account).fresh(time.Now()) || !f.Memory.beginRecheck(time.Now()) {
		return
	}
	go func() {
		defer f.Memory.endRecheck()
		_, _ = f.ask(context.Background(), &q, account) // it logs a failure; then the last answer holds
	}()
}

// beginRecheck reports whether a question may begin: one at a time.
func (m *Memory) beginRecheck(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rechecking || now.Sub(m.rechecked) < recheckPause {
		return false
	}
	m.rechecking, m.rechecked = true, now
	return true
}

func (m *Memory) endRecheck() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rechecking = false
}
