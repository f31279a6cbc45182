package ledger

import (
	"fmt"
	"slices"
	"time"
)

// Withdrawal is what a person withdrew, as WeChat reported it.
type Withdrawal struct {
	// Key identifies the push: a second withdrawal with the same key within a
	// day does nothing. "" means no such check. Only a hash of the key is
	// stored.
	Key string
	// Kind is Revoked, Cancelled or ProfileChanged.
	Kind EventKind
	// AppID and OpenID name the account.
	AppID, OpenID string
	// Profile, Phone, Consent and Grant say what is cleared of the account.
	// Profile also clears nickname and avatar of the person, unless the
	// person's consent to another account still covers them.
	Profile, Phone, Consent, Grant bool
	// Account removes the openid itself, with everything recorded for it, and
	// the whole person if it was the last openid (then Erased is queued, too).
	Account bool
	// End ends all sessions of the person created until At, for as long as
	// Until, as EndPerson does.
	End bool
	// At is when it happened; zero means now. Until is how long a session could
	// live.
	At, Until time.Time
	// Silent means no event of Kind, because the withdrawal belongs to another
	// one that was reported.
	Silent bool
	// Reason is for the event: at most 256 bytes of printable ASCII.
	Reason string
}

// Normal returns the withdrawal with its time set, or ErrInvalid.
func (w Withdrawal) Normal() (Withdrawal, error) {
	switch {
	case w.Kind != Revoked && w.Kind != Cancelled && w.Kind != ProfileChanged:
		return w, fmt.Errorf("%w: %.16q is not a kind of withdrawal", ErrInvalid, string(w.Kind))
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

// OnceKey returns the key under which a store remembers the withdrawal, "" if
// it need not.
func (w *Withdrawal) OnceKey() string {
	if w.Key == "" {
		return ""
	}
	return onceKey("withdrawal", w.Key)
}

// Withdrawn is what a withdrawal changes.
type Withdrawn struct {
	Before Person // as it was in the ledger
	After  Person // as it is to be stored
	Erased bool   // no data of the person are to be stored
	End    PersonEnd
	Ends   bool // End is to be stored
}

// Apply returns what a withdrawal changes in the person whose openid it names.
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

// clear removes the withdrawn data of the account, and reports whether there
// were any.
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

// Events returns the events of a withdrawal.
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
