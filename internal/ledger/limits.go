package ledger

import (
	"cmp"
	"fmt"
	"strings"
)

// Limits are what a queue holds of each kind of event. Zero means the constants; tests have smaller ones.
type Limits struct{ Waiting, Dead int }

// Bounds puts the constants in place of zeros.
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

// ClampLimit bounds how many deliveries a caller may ask for.
func ClampLimit(limit int) int { return min(max(limit, 1), MaxDue) }

// CheckOwner returns ErrInvalid for what is no name of an owner of a lease.
func CheckOwner(s string) error {
	if s == "" || !Printable(s, 64) {
		return fmt.Errorf("%w: an owner has 1 to 64 printable characters", ErrInvalid)
	}
	return nil
}
