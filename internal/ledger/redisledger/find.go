package redisledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// A call for a known person waits for Redis no longer than slow; while Redis is
// failing, for failMark after each failure, no longer than patience, and for
// failPause not at all.
const (
	slow      = 250 * time.Millisecond
	failMark  = 5 * time.Second
	patience  = 50 * time.Millisecond
	failPause = 250 * time.Millisecond
)

// Find implements Ledger.
func (l *Ledger) Find(ctx context.Context, id string) (ledger.Person, error) {
	if err := l.begin(ctx); err != nil {
		return ledger.Person{}, err
	}
	defer l.work.Done()
	if !ledger.ValidID(id) {
		return ledger.Person{}, ledger.ErrNotFound
	}
	now := time.Now()
	e, known := l.near.get(id)
	if known && l.isFresh(&e, now) {
		return e.person.Clone(), nil
	}
	usable := known && now.Sub(l.channel.hears.Load().Confirmed(e.read)) < l.staleIfDown()
	if usable && l.health.failing(failPause) {
		return e.person.Clone(), nil
	}
	var late <-chan time.Time
	if usable {
		t := time.NewTimer(l.health.patience())
		defer t.Stop()
		late = t.C
	}
	select {
	case res := <-l.near.flights.DoChan(id, func() (any, error) { return l.fetch(id) }):
		if p, ok := res.Val.(*ledger.Person); ok && res.Err == nil {
			return p.Clone(), nil
		}
		if !usable || !errors.Is(res.Err, ledger.ErrUnavailable) || errors.Is(res.Err, ledger.ErrCorrupt) {
			return ledger.Person{}, res.Err
		}
	case <-late:
	case <-ctx.Done():
		return ledger.Person{}, fmt.Errorf("%w: finding a person: %w", ledger.ErrUnavailable, ctx.Err())
	}
	// The entry may have been dropped while we waited: a known old person is
	// not returned.
	if e, known = l.near.get(id); known {
		return e.person.Clone(), nil
	}
	return ledger.Person{}, fmt.Errorf("%w: the person was changed during an outage", ledger.ErrUnavailable)
}

// isFresh reports whether an entry may be returned without asking Redis.
func (l *Ledger) isFresh(e *cacheEntry, now time.Time) bool {
	age := now.Sub(e.read)
	return age < l.bound() || age < l.fresh() && l.covers(e.read, now)
}

// fetch reads one person and keeps it, even if the caller no longer waits.
func (l *Ledger) fetch(id string) (*ledger.Person, error) {
	if err := l.begin(context.Background()); err != nil {
		return nil, err
	}
	defer l.work.Done()
	mark, begun := l.near.epoch(id), time.Now()
	v, err := l.look(context.Background(), ledger.Query{ID: id})
	if err != nil {
		return nil, err
	}
	if v.id.person == nil {
		l.near.drop(id)
		return nil, ledger.ErrNotFound
	}
	l.near.add(id, cacheEntry{person: *v.id.person, stamp: v.id.stamp, read: begun}, mark, l.entries())
	return v.id.person, nil
}

// FindOpenID implements Ledger.
func (l *Ledger) FindOpenID(ctx context.Context, appID, openID string) (ledger.Person, error) {
	ok := ledger.Identifier(appID) && ledger.Identifier(openID)
	return l.lookUp(ctx, ok, ledger.Query{AppID: appID, OpenID: openID}, func(v *view) *ledger.Person { return v.openID.person })
}

// FindUnionID implements Ledger.
func (l *Ledger) FindUnionID(ctx context.Context, unionID string) (ledger.Person, error) {
	return l.lookUp(ctx, ledger.Identifier(unionID), ledger.Query{UnionID: unionID}, func(v *view) *ledger.Person { return v.unionID.person })
}

func (l *Ledger) lookUp(ctx context.Context, valid bool, q ledger.Query, pick func(*view) *ledger.Person) (ledger.Person, error) {
	if err := l.begin(ctx); err != nil {
		return ledger.Person{}, err
	}
	defer l.work.Done()
	if !valid {
		return ledger.Person{}, ledger.ErrNotFound
	}
	v, err := l.look(ctx, q)
	if err != nil {
		return ledger.Person{}, err
	}
	p := pick(&v)
	if p == nil {
		return ledger.Person{}, ledger.ErrNotFound
	}
	return *p, nil
}
