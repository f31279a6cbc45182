package ledger

import (
	"cmp"
	"fmt"
	"strings"
)

// Limits are what a queue holds of each kind of event. Zero means the constants; tests have smaller ones.
type Limits struct{ Waiting, Dead int }

func (l Limits) Bounds() Limits {
	return Limits{cmp.Or(l.Waiting, MaxWaiting), cmp.Or(l.Dead, MaxDead)}
}

// PlainReason makes a reason fit to be kept and shown.
func PlainReason(reason string) string {
	reason = reason[:min(len(reason), 4*MaxReason)]
	reason = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, reason)
	return reason[:min(len(reason), MaxReason)]
}

func ClampLimit(limit int) int { return min(max(limit, 1), MaxDue) }

func CheckOwner(s string) error {
	if s == "" || !Printable(s, 64) {
		return fmt.Errorf("%w: an owner has 1 to 64 printable characters", ErrInvalid)
	}
	return nil
}
