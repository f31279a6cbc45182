package ledger

import (
	"context"
	"errors"
	"strings"
)

// Withdraw implements Ledger. Other instances hear of it within Stale.
func (r *Redis) Withdraw(ctx context.Context, w Withdrawal) (p Person, done bool, err error) {
	if err := r.begin(ctx); err != nil {
		return Person{}, false, err
	}
	defer r.work.Done()
	w, err = w.normal()
	if err != nil {
		return Person{}, false, err
	}
	var d withdrawn
	nobody := false
	err = r.rounds(ctx, func() (plan, error) {
		v, err := r.look(ctx, query{appID: w.AppID, openID: w.OpenID})
		if err != nil {
			return plan{}, err
		}
		if nobody = v.openID.person == nil; nobody {
			return r.withdrawNobody(ctx, &w)
		}
		p = *v.openID.person
		d = w.apply(&p)
		return r.withdraw(&w, &d, v.openID)
	}, r.wake)
	if errors.Is(err, errSeen) { // what was seen before has been written
		r.unwritten.noteWithdrawn(&d, nil)
		return p, false, nil
	}
	r.unwritten.noteWithdrawn(&d, err)
	switch {
	case err != nil:
		return Person{}, false, err
	case nobody:
		return Person{}, false, ErrNotFound
	case !d.erased:
		p = d.after
	}
	return p.clone(), true, nil
}

// withdrawNobody tells a push that was seen before from one about somebody who is not known.
func (r *Redis) withdrawNobody(ctx context.Context, w *Withdrawal) (plan, error) {
	if w.Key == "" {
		return plan{}, nil
	}
	ctx, cancel := r.once(ctx)
	defer cancel()
	left, err := r.Client.PTTL(ctx, r.key("once:"+w.onceKey())).Result()
	r.answer(err)
	if err == nil && left > 0 && left <= onceFor { // as in writeScript
		return plan{}, errSeen
	}
	return plan{}, r.failed("reading", err)
}

// withdraw plans it.
func (r *Redis) withdraw(w *Withdrawal, d *withdrawn, s stamped) (plan, error) {
	c := &change{person: d.after, dirty: true, news: true}
	b := newBatch()
	b.expectName(tableOpenID, string(openIDKey(w.AppID, w.OpenID)), s)
	b.expectPerson(s)
	if w.Key != "" {
		b.once(r, w.onceKey())
	}
	if d.erased {
		c.person = d.before
		for _, name := range d.before.claims() {
			b.remove(name.table, name.key)
		}
	} else {
		if w.Account {
			b.remove(tableOpenID, string(openIDKey(w.AppID, w.OpenID)))
		}
		if err := b.put(&d.after); err != nil {
			return plan{}, err
		}
	}
	b.announce(c)
	if d.ends {
		var words []string
		for _, id := range d.before.allIDs() {
			words = append(words, personTombstone(id, d.end))
			b.end(words[len(words)-1], d.end.until)
			r.gone.add(id, d.end) // first, as in EndPerson
		}
		b.endNews = string(sayEnded) + strings.Join(words, " ")
	}
	err := b.notify(r, r.targets.notices(&d.before, w.events(d)...))
	return plan{batch: b, change: c, erased: d.erased, names: c.ids()}, err
}
