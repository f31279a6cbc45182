package ledger

import (
	"fmt"
	"slices"
	"time"
)

// Withdrawal is what a person took back, as WeChat told it.
type Withdrawal struct {
	// Key names the push: the same key within a day changes nothing a second time. "" means no such check. Only a hash
	// of it is kept.
	Key string
	// Kind is Revoked, Cancelled or ProfileChanged.
	Kind EventKind
	// AppID and OpenID say whose it is.
	AppID, OpenID string
	// What is cleared of the account. Profile: nickname and avatar of the person too, unless the person's consent to
	// another account still gives them.
	Profile, Phone, Consent, Grant bool
	// Account: the openid itself goes, with everything recorded for it; the whole person when it was the last (then
	// Erased is told, too).
	Account bool
	// End: all sessions of the person created until At are over, for as long as Until, as with EndPerson.
	End bool
	// At is when it happened; zero means now. Until is how long a session could live.
	At, Until time.Time
	// Silent: no event of Kind, since it belongs to a withdrawal that was told.
	Silent bool
	// Reason is for the event: at most 256 bytes of printable ASCII.
	Reason string
}

// Normal returns the withdrawal with its time settled, or ErrInvalid.
func (w Withdrawal) Normal() (Withdrawal, error) {
	switch {
	case w.Kind != Revoked && w.Kind != Cancelled && w.Kind != ProfileChanged:
		return w, fmt.Errorf("%w: %.16q is no kind of withdrawal", ErrInvalid, string(w.Kind))
	case !Identifier(w.AppID) || !Identifier(w.OpenID):
		return w, fmt.Errorf("%w: a withdrawal needs an app id and an openid, of 1 to %d visible ASCII characters", ErrInvalid, maxIdentifier)
	case !Printable(w.Reason, MaxReason):
		return w, fmt.Errorf("%w: the reason must be at most %d printable ASCII characters", ErrInvalid, MaxReason)
	}
	if w.At.IsZero() {
		w.At = time.Now()
	}
	if at := w.At.Unix(); at <= 0 || at > MaxTime {
		return w, fmt.Errorf("%w: the time must lie between the years 1970 and 9999", ErrInvalid)
	}
	w.At = w.At.UTC().Truncate(time.Second)
	if w.Account {
		w.Profile, w.Phone, w.Consent, w.Grant = true, true, true, true
	}
	return w, nil
}

// OnceKey is the key under which a store remembers the withdrawal, "" if it need not.
func (w *Withdrawal) OnceKey() string {
	if w.Key == "" {
		return ""
	}
	return onceKey("withdrawal", w.Key)
}

// Withdrawn is what a withdrawal does.
type Withdrawn struct {
	Before Person // as the ledger had it
	After  Person // as it shall be kept
	Erased bool   // nothing of the person shall be kept
	End    PersonEnd
	Ends   bool // End holds
}

// Apply works out what a withdrawal does to the person whose openid it names.
func (w *Withdrawal) Apply(p *Person) Withdrawn {
	d := Withdrawn{Before: p.Clone(), After: p.Clone()}
	if w.End {
		d.End, d.Ends = NewPersonEnd(w.At, w.Until)
	}
	q := &d.After
	i := q.account(w.AppID, w.OpenID)
	news := w.clear(&q.Accounts[i])
	if w.Account {
		q.Accounts = slices.Delete(q.Accounts, i, i+1)
		d.Erased, news = len(q.Accounts) == 0, true
	}
	given := slices.ContainsFunc(q.Accounts, func(a Account) bool {
		return !(a.AppID == w.AppID && a.OpenID == w.OpenID) && !a.ConsentAt.IsZero()
	})
	if w.Profile && !given {
		news = news || q.Nickname != "" || q.AvatarURL != ""
		q.Nickname, q.AvatarURL, q.ProfileAt = "", "", time.Time{}
	}
	if news {
		q.Version++
	}
	return d
}

// clear clears what is withdrawn of the account, and reports whether it had any of it.
func (w *Withdrawal) clear(a *Account) (news bool) {
	if w.Consent {
		news = news || !a.ConsentAt.IsZero()
		a.ConsentAt = time.Time{}
	}
	if w.Phone {
		news = news || a.Phone != ""
		a.Phone, a.PhoneAt = "", time.Time{}
	}
	if w.Grant {
		news = news || a.Grant != nil
		a.Grant = nil
	}
	return news
}

// Events are what a withdrawal is to others.
func (w *Withdrawal) Events(d *Withdrawn) []Event {
	p := &d.Before
	var all []Event
	if !w.Silent {
		all = append(all, Event{Kind: w.Kind, Person: p.ID, AppID: w.AppID, OpenID: w.OpenID, UnionID: p.UnionID, At: w.At, Reason: w.Reason})
	}
	if d.Erased {
		all = append(all, Erasure(p))
	}
	return all
}
