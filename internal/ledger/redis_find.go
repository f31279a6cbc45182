package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Somebody who is known waits for Redis no longer than slow; while it is failing, which it is for failMark after each
// failure, no longer than patience, and for failPause not at all.
const (
	slow      = 250 * time.Millisecond
	failMark  = 5 * time.Second
	patience  = 50 * time.Millisecond
	failPause = 250 * time.Millisecond
)

// Find implements Ledger.
func (r *Redis) Find(ctx context.Context, id string) (Person, error) {
	if err := r.begin(ctx); err != nil {
		return Person{}, err
	}
	defer r.work.Done()
	if !ValidID(id) {
		return Person{}, ErrNotFound
	}
	now := time.Now()
	e, known := r.near.get(id)
	if known && r.isFresh(&e, now) {
		return e.person.Clone(), nil
	}
	usable := known && now.Sub(r.channel.confirmed(e.read)) < r.staleIfDown()
	if usable && r.health.failing(failPause) {
		return e.person.Clone(), nil
	}
	var late <-chan time.Time
	if usable {
		t := time.NewTimer(r.health.patience())
		defer t.Stop()
		late = t.C
	}
	select {
	case res := <-r.near.flights.DoChan(id, func() (any, error) { return r.fetch(id) }):
		if p, ok := res.Val.(*Person); ok && res.Err == nil {
			return p.Clone(), nil
		}
		if !usable || !errors.Is(res.Err, ErrUnavailable) || errors.Is(res.Err, ErrCorrupt) {
			return Person{}, res.Err
		}
	case <-late:
	case <-ctx.Done():
		return Person{}, fmt.Errorf("%w: finding a person: %w", ErrUnavailable, ctx.Err())
	}
	// It may have been dropped while we waited: what is known to be old is not given.
	if e, known = r.near.get(id); known {
		return e.person.Clone(), nil
	}
	return Person{}, fmt.Errorf("%w: the person was changed during an outage", ErrUnavailable)
}

// isFresh says whether what is kept may be given without asking.
func (r *Redis) isFresh(e *nearEntry, now time.Time) bool {
	age := now.Sub(e.read)
	return age < r.bound() || age < r.fresh() && r.channel.covers(e.read, now, r.bound())
}

// fetch reads one person and keeps them. Whoever asked may have gone meanwhile.
func (r *Redis) fetch(id string) (*Person, error) {
	if err := r.begin(context.Background()); err != nil {
		return nil, err
	}
	defer r.work.Done()
	mark, begun := r.near.epoch(id), time.Now()
	v, err := r.look(context.Background(), Query{ID: id})
	if err != nil {
		return nil, err
	}
	if v.id.person == nil {
		r.near.drop(id)
		return nil, ErrNotFound
	}
	r.near.add(id, nearEntry{person: *v.id.person, stamp: v.id.stamp, read: begun}, mark, r.entries())
	return v.id.person, nil
}

// FindOpenID implements Ledger.
func (r *Redis) FindOpenID(ctx context.Context, appID, openID string) (Person, error) {
	ok := Identifier(appID) && Identifier(openID)
	return r.lookUp(ctx, ok, Query{AppID: appID, OpenID: openID}, func(v *view) *Person { return v.openID.person })
}

// FindUnionID implements Ledger.
func (r *Redis) FindUnionID(ctx context.Context, unionID string) (Person, error) {
	return r.lookUp(ctx, Identifier(unionID), Query{UnionID: unionID}, func(v *view) *Person { return v.unionID.person })
}

func (r *Redis) lookUp(ctx context.Context, valid bool, q Query, pick func(*view) *Person) (Person, error) {
	if err := r.begin(ctx); err != nil {
		return Person{}, err
	}
	defer r.work.Done()
	if !valid {
		return Person{}, ErrNotFound
	}
	v, err := r.look(ctx, q)
	if err != nil {
		return Person{}, err
	}
	p := pick(&v)
	if p == nil {
		return Person{}, ErrNotFound
	}
	return *p, nil
}
