package redisledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// maxRounds is how often a change is decided again because other writes were
// quicker. In each round another change was written, and within an instance
// changes of one person queue up, so few rounds are needed.
const maxRounds = 500

// Observe implements Ledger. It reads before it writes: most observations are
// of a known person and change nothing.
func (l *Ledger) Observe(ctx context.Context, s ledger.Observation) (ledger.Person, error) {
	if err := l.begin(ctx); err != nil {
		return ledger.Person{}, err
	}
	defer l.work.Done()
	s, err := s.Normal()
	if err != nil {
		return ledger.Person{}, err
	}
	var c ledger.Change
	err = l.rounds(ctx, func() (plan, error) {
		p, err := l.decide(ctx, &s, &c)
		p.names = append(p.names, string(ledger.OpenIDKey(s.AppID, s.OpenID)), s.UnionID)
		return p, err
	}, l.wake)
	if err != nil {
		return ledger.Person{}, err
	}
	c.Report(l.Logger)
	return c.Person.Clone(), nil
}

// decide reads the persons and decides what the observation changes.
func (l *Ledger) decide(ctx context.Context, s *ledger.Observation, c *ledger.Change) (p plan, err error) {
	v, err := l.look(ctx, ledger.Query{AppID: s.AppID, OpenID: s.OpenID, UnionID: s.UnionID})
	if err != nil {
		return p, err
	}
	*c, err = s.Decide(v.openID.person, v.unionID.person, func() (uint64, error) { return v.at, nil })
	if err != nil {
		return p, err
	}
	notices := l.targets.Notices(&c.Person, c.Events(s)...)
	if !c.Dirty && len(notices) == 0 {
		return p, nil
	}
	b := newBatch()
	if err := b.notify(&l.server, notices); err != nil {
		return p, err
	}
	b.expectName(ledger.TableOpenID, string(ledger.OpenIDKey(s.AppID, s.OpenID)), v.openID)
	if s.UnionID != "" {
		b.expectName(ledger.TableUnionID, s.UnionID, v.unionID)
	}
	b.expectPerson(v.openID)
	b.expectPerson(v.unionID)
	if !c.Dirty { // only an event is queued
		return plan{batch: b, names: c.IDs()}, nil
	}
	return plan{batch: b, change: c, names: c.IDs()}, b.change(c)
}

// plan is a change that was decided but not written yet.
type plan struct {
	batch  *batch         // nil if there is nothing to write
	change *ledger.Change // for the memory; nil if nothing changes there
	erased bool           // no person remains after the change
	names  []string       // changes of any of these names queue up
}

// rounds makes plans until one can be carried out, and then calls then with the
// number of events put into the outbox.
func (l *Ledger) rounds(ctx context.Context, next func() (plan, error), then func(added int)) error {
	var held stripeLease
	defer func() { held.release() }()
	for range maxRounds {
		p, err := next()
		if err != nil || p.batch == nil {
			return err
		}
		if held, err = l.stripes.take(ctx, held, p.names, l.timeout()); err != nil {
			return err
		}
		done, added, err := l.carryOut(ctx, &p)
		if err != nil {
			return err
		}
		if done {
			l.settleBans(ctx, p.batch)
			then(added)
			return nil
		}
	}
	return fmt.Errorf("%w: other writes changed the same persons %d times", ledger.ErrUnavailable, maxRounds)
}

// carryOut writes a plan, and updates the memory: first the entries, then the
// generation, so that a reader of the new generation cannot find the old
// person.
func (l *Ledger) carryOut(ctx context.Context, p *plan) (done bool, added int, err error) {
	if p.change == nil {
		conflict, added, err := l.write(ctx, p.batch)
		return conflict == 0, added, err
	}
	mark := l.near.mark(p.change)
	l.near.pending.begin(p.batch.stamp)
	conflict, added, err := l.write(ctx, p.batch)
	refused := conflict != 0 || errors.Is(err, errSeen)
	switch heard := l.near.pending.end(p.batch.stamp); {
	case refused && !heard: // nothing was written
		return false, 0, err
	case refused, err != nil, p.erased:
		// It was written, the answer was lost, and others have changed it since;
		// or, after an error, it may have been written, or may still be.
		l.near.drop(p.change.IDs()...)
	default:
		l.near.settle(p.change, p.batch.stamp, mark, l.entries())
	}
	if p.change.News {
		l.generation.Add(1)
	}
	return err == nil && !refused, added, err
}
