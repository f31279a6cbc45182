package boltledger

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Find implements Ledger. Some ten thousand persons are kept in memory.
func (b *Bolt) Find(ctx context.Context, id string) (ledger.Person, error) {
	if err := b.ready(ctx); err != nil {
		return ledger.Person{}, err
	}
	if !ledger.ValidID(id) {
		return ledger.Person{}, ledger.ErrNotFound
	}
	p, epoch, ok := b.cache.get(id)
	if ok {
		return p.Clone(), nil
	}
	p, err := b.lookUp(func(t tables) (ledger.Person, error) { return t.byID(id) })
	if err != nil {
		return ledger.Person{}, err
	}
	b.cache.add(id, p.Clone(), epoch)
	return p, nil
}

// FindOpenID implements Ledger.
func (b *Bolt) FindOpenID(ctx context.Context, appID, openID string) (ledger.Person, error) {
	if err := b.ready(ctx); err != nil {
		return ledger.Person{}, err
	}
	if !ledger.Identifier(appID) || !ledger.Identifier(openID) {
		return ledger.Person{}, ledger.ErrNotFound
	}
	return b.lookUp(func(t tables) (ledger.Person, error) { return t.byOpenID(appID, openID) })
}

// FindUnionID implements Ledger.
func (b *Bolt) FindUnionID(ctx context.Context, unionID string) (ledger.Person, error) {
	if err := b.ready(ctx); err != nil {
		return ledger.Person{}, err
	}
	if !ledger.Identifier(unionID) {
		return ledger.Person{}, ledger.ErrNotFound
	}
	return b.lookUp(func(t tables) (ledger.Person, error) { return t.byUnionID(unionID) })
}

func (b *Bolt) lookUp(find func(tables) (ledger.Person, error)) (ledger.Person, error) {
	var p ledger.Person
	err := b.file.view(func(tx *bolt.Tx) (err error) {
		p, err = find(tables{tx})
		return err
	})
	if err != nil {
		return ledger.Person{}, err
	}
	return p, nil
}
