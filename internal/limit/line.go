package limit

import "sync"

// Line limits how often one log line is written, and counts the lines that were
// left out since (attack: a flood of requests fills the log). The zero value is
// ready.
type Line struct {
	mu   sync.Mutex
	one  One
	left int
}

// Take reports whether the line may be logged, and how many were left out
// before it.
func (l *Line) Take(r Rate) (ok bool, left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.one.Take(r) {
		l.left++
		return false, 0
	}
	left, l.left = l.left, 0
	return true, left
}
