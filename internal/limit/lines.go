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
	all map[string]*Line // by text and account, without text from visitors
}

// Take reports whether a line may be logged, and how many were left out before
// it.
func (l *Lines) Take(text string) (ok bool, left int) {
	return l.of(text).Take(lineRate)
}

func (l *Lines) of(text string) *Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[string]*Line)
	}
	one := l.all[text]
	if one == nil {
		one = new(Line)
		l.all[text] = one
	}
	return one
}
