package boltledger

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Find implements Ledger. Some ten thousand persons are kept in memory.
func (l *Ledger) Find(ctx context.Context, id string) (ledger.Person, error) {
	if err := l.ready(ctx); err != nil {
		return ledger.Person{}, err
	}
	if !ledger.ValidID(id) {
		return ledger.Person{}, ledger.ErrNotFound
	}
	p, epoch, ok := l.cache.get(id)
	if ok {
		return p.Clone(), nil
	}
	p, err := l.lookUp(func(t tables) (ledger.Person, error) { return t.byID(id) })
	if err != nil {
		return ledger.Person{}, err
	}
	l.cache.add(id, p.Clone(), epoch)
	return p, nil
}

// FindOpenID implements Ledger.
func (l *Ledger) FindOpenID(ctx context.Context, appID, openID string) (ledger.Person, error) {
	if err := l.ready(ctx); err != nil {
		return ledger.Person{}, err
	}
	if !ledger.Identifier(appID) || !ledger.Identifier(openID) {
		return ledger.Person{}, ledger.ErrNotFound
	}
	return l.lookUp(func(t tables) (ledger.Person, error) { return t.byOpenID(appID, openID) })
}

// FindUnionID implements Ledger.
func (l *Ledger) FindUnionID(ctx context.Context, unionID string) (ledger.Person, error) {
	if err := l.ready(ctx); err != nil {
		return ledger.Person{}, err
	}
	if !ledger.Identifier(unionID) {
		return ledger.Person{}, ledger.ErrNotFound
	}
	return l.lookUp(func(t tables) (ledger.Person, error) { return t.byUnionID(unionID) })
}

func (l *Ledger) lookUp(find func(tables) (ledger.Person, error)) (ledger.Person, error) {
	var p ledger.Person
	err := l.file.view(func(tx *bolt.Tx) (err error) {
		p, err = find(tables{tx})
		return err
	})
	if err != nil {
		return ledger.Person{}, err
	}
	return p, nil
}
