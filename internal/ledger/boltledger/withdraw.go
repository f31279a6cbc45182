package boltledger

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Withdraw implements Ledger.
func (l *Ledger) Withdraw(ctx context.Context, w ledger.Withdrawal) (p ledger.Person, done bool, err error) {
	if err := l.ready(ctx); err != nil {
		return ledger.Person{}, false, err
	}
	w, err = w.Normal()
	if err != nil {
		return ledger.Person{}, false, err
	}
	l.banning.RLock()
	defer l.banning.RUnlock()
	var d ledger.Withdrawn
	var bans []ledger.Ban
	wrote, nobody := false, false
	err = l.writer.run(func(tx *bolt.Tx) (_ bool, err error) {
		p, done, wrote, nobody = ledger.Person{}, false, false, false
		t := tables{tx}
		found, err := absent(t.byOpenID(w.AppID, w.OpenID))
		if err != nil {
			return false, err
		}
		if found == nil { // not an error: that would make all other calls in the transaction start again (attack: a thousand strangers leave at once)
			nobody = w.Key == "" || !t.noted(w.OnceKey())
			return false, nil
		}
		if w.Key != "" {
			if seen, err := t.once(w.OnceKey()); err != nil || seen {
				p = *found
				return false, err
			}
		}
		d = w.Apply(found)
		p, done = d.After, true
		if d.Erased {
			p = d.Before
		}
		wrote, bans, err = l.withdraw(t, &w, &d)
		return true, err
	}, func() {
		if !done {
			return
		}
		l.banned(bans)
		l.publish(&ledger.Change{Person: d.Before, Dirty: true, News: true})
		if d.Ends {
			for _, id := range d.Before.IDs() {
				l.gone.Add(id, d.End)
			}
		}
		l.wake(wrote)
	})
	l.unwritten.NoteWithdrawn(&d, err)
	switch {
	case err != nil:
		return ledger.Person{}, false, err
	case nobody:
		return ledger.Person{}, false, ledger.ErrNotFound
	}
	return p, done, nil
}

// withdraw writes all changes, and returns the bans that follow the person. The
// sessions end here even if the disk fails.
func (l *Ledger) withdraw(t tables, w *ledger.Withdrawal, d *ledger.Withdrawn) (wrote bool, bans []ledger.Ban, err error) {
	if w.Account {
		if bans, err = t.following(&l.bans, &d.Before, d.Erased); err != nil {
			return false, nil, err
		}
	}
	if err := t.putBans(bans); err != nil {
		return false, nil, err
	}
	if d.Erased {
		err = t.erase(&d.Before)
	} else {
		if w.Account {
			err = t.tx.Bucket(bucketOpenID).Delete(ledger.OpenIDKey(w.AppID, w.OpenID))
		}
		if err == nil {
			err = t.put(&d.After)
		}
	}
	if err != nil {
		return false, nil, err
	}
	if d.Ends {
		ids := d.Before.IDs()
		for _, id := range ids {
			l.gone.Add(id, d.End)
		}
		if _, err := t.endPerson(ids, d.End); err != nil {
			return false, nil, err
		}
	}
	events := w.Events(d)
	if d.Erased {
		if err := t.supersede(&d.Before, &events[len(events)-1], &l.targets, l.limits.Bounds()); err != nil {
			return false, nil, err
		}
	}
	wrote, err = t.notify(l.targets.Notices(&d.Before, events...), l.limits.Bounds())
	return wrote, bans, err
}
