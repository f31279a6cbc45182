package ledger

import (
	"context"

	bolt "go.etcd.io/bbolt"
)

// Find implements Ledger. Some ten thousand persons are kept in memory.
func (b *Bolt) Find(ctx context.Context, id string) (Person, error) {
	if err := b.ready(ctx); err != nil {
		return Person{}, err
	}
	if !ValidID(id) {
		return Person{}, ErrNotFound
	}
	p, epoch, ok := b.cache.get(id)
	if ok {
		return p.Clone(), nil
	}
	p, err := b.lookUp(func(t tables) (Person, error) { return t.byID(id) })
	if err != nil {
		return Person{}, err
	}
	b.cache.add(id, p.Clone(), epoch)
	return p, nil
}

// FindOpenID implements Ledger.
func (b *Bolt) FindOpenID(ctx context.Context, appID, openID string) (Person, error) {
	if err := b.ready(ctx); err != nil {
		return Person{}, err
	}
	if !Identifier(appID) || !Identifier(openID) {
		return Person{}, ErrNotFound
	}
	return b.lookUp(func(t tables) (Person, error) { return t.byOpenID(appID, openID) })
}

// FindUnionID implements Ledger.
func (b *Bolt) FindUnionID(ctx context.Context, unionID string) (Person, error) {
	if err := b.ready(ctx); err != nil {
		return Person{}, err
	}
	if !Identifier(unionID) {
		return Person{}, ErrNotFound
	}
	return b.lookUp(func(t tables) (Person, error) { return t.byUnionID(unionID) })
}

func (b *Bolt) lookUp(find func(tables) (Person, error)) (Person, error) {
	var p Person
	err := b.file.view(func(tx *bolt.Tx) (err error) {
		p, err = find(tables{tx})
		return err
	})
	if err != nil {
		return Person{}, err
	}
	return p, nil
}
