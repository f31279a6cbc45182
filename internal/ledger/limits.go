package ledger

import (
	"cmp"
	"fmt"
	"strings"
)

// limits are what a queue holds of each kind of event. Zero means the constants; tests have smaller ones.
type limits struct{ waiting, dead int }

func (l limits) bounds() limits {
	return limits{cmp.Or(l.waiting, MaxWaiting), cmp.Or(l.dead, MaxDead)}
}

// plain makes a reason fit to be kept and shown.
func plain(reason string) string {
	reason = reason[:min(len(reason), 4*maxReason)]
	reason = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, reason)
	return reason[:min(len(reason), maxReason)]
}

func bounded(limit int) int { return min(max(limit, 1), MaxDue) }

func owner(s string) error {
	if s == "" || !words(s, 64) {
		return fmt.Errorf("%w: an owner has 1 to 64 printable characters", ErrInvalid)
	}
	return nil
}
