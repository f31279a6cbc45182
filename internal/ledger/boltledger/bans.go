package boltledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// bucketBans holds the bans by id, in JSON. It exists only while there are
// bans: an older gateway refuses a file that has it (attack: a gateway that
// knows no bans lets banned persons in), and opens a file that has none.
var bucketBans = []byte("bans")

// loadBans reads all bans.
func (t tables) loadBans(s *ledger.BanSet) error {
	bans := t.tx.Bucket(bucketBans)
	if bans == nil {
		return nil
	}
	return bans.ForEach(func(id, data []byte) error {
		b, err := ledger.DecodeBan(string(id), data)
		if err == nil {
			s.Put(b)
		}
		return err
	})
}

// following returns the bans to be stored when a person loses a name or is
// erased. They build on what the transaction has, not on the memory, which does
// not know what other calls have written in it (attack: whoever is banned gives
// all openids up at once, and one of them is forgotten).
func (t tables) following(s *ledger.BanSet, p *ledger.Person, erased bool) (changed []ledger.Ban, err error) {
	for _, b := range s.Of(p) {
		if b, err = t.ban(b.ID); err != nil {
			return nil, err
		}
		if b, follows := b.Following(p, erased); follows {
			changed = append(changed, b)
		}
	}
	return changed, nil
}

// ban reads a ban that the memory has.
func (t tables) ban(id string) (ledger.Ban, error) {
	bans := t.tx.Bucket(bucketBans)
	if bans == nil {
		return ledger.Ban{}, ledger.Corrupt("a ban is missing")
	}
	return ledger.DecodeBan(id, bans.Get([]byte(id)))
}

func (t tables) putBans(all []ledger.Ban) error {
	if len(all) == 0 {
		return nil
	}
	bans, err := t.tx.CreateBucketIfNotExists(bucketBans)
	if err != nil {
		return fmt.Errorf("the bucket of bans: %w", err)
	}
	for _, b := range all {
		data, err := json.Marshal(b)
		if err != nil {
			return fmt.Errorf("encoding a ban: %w", err)
		}
		if err := bans.Put([]byte(b.ID), data); err != nil {
			return fmt.Errorf("writing a ban: %w", err)
		}
	}
	return nil
}

func (t tables) deleteBans(ids []string) error {
	bans := t.tx.Bucket(bucketBans)
	if bans == nil {
		return nil
	}
	for _, id := range ids {
		if err := bans.Delete([]byte(id)); err != nil {
			return fmt.Errorf("deleting a ban: %w", err)
		}
	}
	if key, _ := bans.Cursor().First(); key != nil {
		return nil
	}
	return t.tx.DeleteBucket(bucketBans)
}

// Ban implements Ledger.
func (l *Ledger) Ban(ctx context.Context, person string, at time.Time) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	if !ledger.ValidID(person) {
		return ledger.ErrNotFound
	}
	l.banning.Lock()
	defer l.banning.Unlock()
	var changed []ledger.Ban
	return l.writer.run(func(tx *bolt.Tx) (bool, error) {
		p, err := tables{tx}.byID(person)
		if err != nil {
			return false, err
		}
		if changed, err = l.bans.Ban(&p, at); err != nil {
			return false, err
		}
		return len(changed) > 0, tables{tx}.putBans(changed)
	}, func() { l.banned(changed) })
}

// banned puts bans that were stored into the memory.
func (l *Ledger) banned(changed []ledger.Ban) {
	if len(changed) > 0 {
		l.bans.Put(changed...)
		l.generation.Add(1)
	}
}

// Unban implements Ledger.
func (l *Ledger) Unban(ctx context.Context, name string) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	l.banning.Lock()
	defer l.banning.Unlock()
	ids, err := ledger.BansToLift(&l.bans, name, func(id string) (ledger.Person, error) { return l.Find(ctx, id) })
	if err != nil {
		return err
	}
	return l.writer.run(func(tx *bolt.Tx) (bool, error) { return true, tables{tx}.deleteBans(ids) }, func() {
		l.bans.Drop(ids...)
		l.generation.Add(1)
	})
}

// Banned implements Ledger.
func (l *Ledger) Banned(p *ledger.Person) bool { return l.bans.Has(p) }

// ListBans implements Ledger.
func (l *Ledger) ListBans(ctx context.Context) ([]ledger.Ban, error) {
	if err := l.ready(ctx); err != nil {
		return nil, err
	}
	return l.bans.All(), nil
}

// ImportBan implements Ledger.
func (l *Ledger) ImportBan(ctx context.Context, b ledger.Ban) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	l.banning.Lock()
	defer l.banning.Unlock()
	b, add, err := l.bans.Import(b)
	if err != nil || !add {
		return err
	}
	changed := []ledger.Ban{b}
	return l.writer.run(func(tx *bolt.Tx) (bool, error) { return true, tables{tx}.putBans(changed) }, func() { l.banned(changed) })
}
