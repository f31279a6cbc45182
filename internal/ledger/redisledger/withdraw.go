package redisledger

import (
	"context"
	"errors"
	"strings"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Withdraw implements Ledger. It reaches other instances within Stale.
func (l *Ledger) Withdraw(ctx context.Context, w ledger.Withdrawal) (p ledger.Person, done bool, err error) {
	if err := l.begin(ctx); err != nil {
		return ledger.Person{}, false, err
	}
	defer l.work.Done()
	w, err = w.Normal()
	if err != nil {
		return ledger.Person{}, false, err
	}
	var d ledger.Withdrawn
	nobody := false
	err = l.rounds(ctx, func() (plan, error) {
		var bans string
		if w.Account {
			if bans, err = l.ends.loadBans(ctx); err != nil {
				return plan{}, err
			}
		}
		v, err := l.look(ctx, ledger.Query{AppID: w.AppID, OpenID: w.OpenID})
		if err != nil {
			return plan{}, err
		}
		if nobody = v.openID.person == nil; nobody {
			return l.withdrawNobody(ctx, &w)
		}
		p = *v.openID.person
		d = w.Apply(&p)
		return l.withdraw(ctx, &w, &d, v.openID, bans)
	}, l.wake)
	if errors.Is(err, errSeen) { // a push that was seen before has been written
		l.unwritten.NoteWithdrawn(&d, nil)
		return p, false, nil
	}
	l.unwritten.NoteWithdrawn(&d, err)
	switch {
	case err != nil:
		return ledger.Person{}, false, err
	case nobody:
		return ledger.Person{}, false, ledger.ErrNotFound
	case !d.Erased:
		p = d.After
	}
	return p.Clone(), true, nil
}

// withdrawNobody distinguishes a push that was seen before from one about an
// unknown person.
func (s *server) withdrawNobody(ctx context.Context, w *ledger.Withdrawal) (plan, error) {
	if w.Key == "" {
		return plan{}, nil
	}
	ctx, cancel := s.once(ctx)
	defer cancel()
	left, err := s.Client.PTTL(ctx, s.key("once:"+w.OnceKey())).Result()
	s.answer(err)
	if err == nil && left > 0 && left <= ledger.OnceFor { // as in writeScript
		return plan{}, errSeen
	}
	return plan{}, s.failed("reading", err)
}

// withdraw makes the plan of a withdrawal. bans is the stamp of loadBans.
func (l *Ledger) withdraw(ctx context.Context, w *ledger.Withdrawal, d *ledger.Withdrawn, s stamped, bans string) (plan, error) {
	c := &ledger.Change{Person: d.After, Dirty: true, News: true}
	b := newBatch()
	b.expectName(ledger.TableOpenID, string(ledger.OpenIDKey(w.AppID, w.OpenID)), s)
	b.expectPerson(s)
	if w.Key != "" {
		b.once(&l.server, w.OnceKey())
	}
	if d.Erased {
		c.Person = d.Before
		for _, name := range d.Before.Names() {
			b.remove(name.Table, name.Key)
		}
	} else {
		if w.Account {
			b.remove(ledger.TableOpenID, string(ledger.OpenIDKey(w.AppID, w.OpenID)))
		}
		if err := b.put(&d.After); err != nil {
			return plan{}, err
		}
	}
	b.announce(c)
	if d.Ends {
		var words []string
		for _, id := range d.Before.IDs() {
			words = append(words, personTombstone(id, d.End))
			b.end(words[len(words)-1], d.End.Until)
			l.ends.persons.Add(id, d.End) // memory first, as in EndPerson
		}
		b.endNews = string(sayEnded) + strings.Join(words, " ")
	}
	if w.Account {
		if err := l.follow(b, bans, &d.Before, d.Erased); err != nil {
			return plan{}, err
		}
	}
	events := w.Events(d)
	if d.Erased {
		if err := l.supersede(ctx, b, &d.Before, &events[len(events)-1]); err != nil {
			return plan{}, err
		}
	}
	err := b.notify(&l.server, l.targets.Notices(&d.Before, events...))
	if w.Key == "" {
		b.tally(&l.server) // as in eraseIf
	}
	return plan{batch: b, change: c, erased: d.Erased, names: c.IDs()}, err
}
