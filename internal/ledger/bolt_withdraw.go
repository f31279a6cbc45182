package ledger

import (
	"context"

	bolt "go.etcd.io/bbolt"
)

// Withdraw implements Ledger.
func (b *Bolt) Withdraw(ctx context.Context, w Withdrawal) (p Person, done bool, err error) {
	if err := b.ready(ctx); err != nil {
		return Person{}, false, err
	}
	w, err = w.normal()
	if err != nil {
		return Person{}, false, err
	}
	var d withdrawn
	wrote, nobody := false, false
	err = b.writer.run(func(tx *bolt.Tx) (_ bool, err error) {
		p, done, wrote, nobody = Person{}, false, false, false
		t := tables{tx}
		found, err := absent(t.byOpenID(w.AppID, w.OpenID))
		if err != nil {
			return false, err
		}
		if found == nil { // no error: that would have everybody else in the transaction begin anew (attack: a thousand strangers leave at once)
			nobody = w.Key == "" || !t.noted(w.onceKey())
			return false, nil
		}
		if w.Key != "" {
			if seen, err := t.once(w.onceKey()); err != nil || seen {
				p = *found
				return false, err
			}
		}
		d = w.apply(found)
		p, done = d.after, true
		if d.erased {
			p = d.before
		}
		wrote, err = b.withdraw(t, &w, &d)
		return true, err
	}, func() {
		if !done {
			return
		}
		b.publish(&change{person: d.before, dirty: true, news: true})
		if d.ends {
			for _, id := range d.before.allIDs() {
				b.gone.add(id, d.end)
			}
		}
		b.wake(wrote)
	})
	b.unwritten.noteWithdrawn(&d, err)
	switch {
	case err != nil:
		return Person{}, false, err
	case nobody:
		return Person{}, false, ErrNotFound
	}
	return p, done, nil
}

// withdraw writes it all. The sessions end here and now, whatever the disk says afterwards.
func (b *Bolt) withdraw(t tables, w *Withdrawal, d *withdrawn) (wrote bool, err error) {
	if d.erased {
		err = t.erase(&d.before)
	} else {
		if w.Account {
			err = t.tx.Bucket(bucketOpenID).Delete(openIDKey(w.AppID, w.OpenID))
		}
		if err == nil {
			err = t.put(&d.after)
		}
	}
	if err != nil {
		return false, err
	}
	if d.ends {
		ids := d.before.allIDs()
		for _, id := range ids {
			b.gone.add(id, d.end)
		}
		if _, err := t.endPerson(ids, d.end); err != nil {
			return false, err
		}
	}
	return t.notify(b.targets.notices(&d.before, w.events(d)...), b.limits.bounds())
}
