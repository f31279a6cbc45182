package limit

import (
	"sync"
	"time"
)

// lineRate limits lines with one text, each about one visitor.
var lineRate = Rate{Burst: 30, Every: 10 * time.Second}

// Lines limits log lines that single visitors cause (attack: invented codes
// fill the log). The zero value is ready.
type Lines struct {
	mu  sync.Mutex
	all map[string]*limitedLine // by text and account, without text from visitors
}

type limitedLine struct {
	limit One
	left  int
}

// Take reports whether a line may be logged, and how many were left out before
// it.
func (l *Lines) Take(text string) (ok bool, left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[string]*limitedLine)
	}
	one := l.all[text]
	if one == nil {
		one = new(limitedLine)
		l.all[text] = one
	}
	if !one.limit.Take(lineRate) {
		one.left++
		return false, 0
	}
	left, one.left = one.left, 0
	return true, left
}
