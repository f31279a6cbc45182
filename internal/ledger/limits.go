package ledger

import (
	"cmp"
	"fmt"
	"strings"
)

// Limits are how many events of each kind a queue holds. Zero means the
// constants; tests use smaller limits.
type Limits struct{ Waiting, Dead int }

// Bounds replaces zeros by the constants.
func (l Limits) Bounds() Limits {
	return Limits{cmp.Or(l.Waiting, MaxWaiting), cmp.Or(l.Dead, MaxDead)}
}

// PlainReason makes a reason safe to store and show.
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

// ClampLimit limits how many deliveries a caller may ask for.
func ClampLimit(limit int) int { return min(max(limit, 1), MaxDue) }

// CheckOwner returns ErrInvalid if s cannot be the name of a lease owner.
func CheckOwner(s string) error {
	if s == "" || !Printable(s, 64) {
		return fmt.Errorf("%w: an owner has 1 to 64 printable characters", ErrInvalid)
	}
	return nil
}
