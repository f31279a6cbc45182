package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	bolt "go.etcd.io/bbolt"
)

// posted is what one target's queue says, in the words of both kinds of store.
type posted struct {
	waiting map[string]Delivery // by id
	lines   map[string][]string // ids in order
	lineOf  map[string]string   // by id, as the entries say
	due     []string            // ids
	dead    map[string]Delivery
	buried  []string // ids
	counted [2]int   // waiting, dead

	kinds, deadKinds map[string]EventKind // by id, as the indexes say
}

// check reports every contradiction within a queue.
func (p *posted) check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("outbox: "+format, args...)) }
	if p.counted != [2]int{len(p.waiting), len(p.dead)} {
		fault("counted %v, there are %d and %d", p.counted, len(p.waiting), len(p.dead))
	}
	var heads []string
	inLines := 0
	for line, ids := range p.lines {
		heads = append(heads, ids[0])
		inLines += len(ids)
		for _, id := range ids {
			if p.lineOf[id] != line {
				fault("%s stands in %s and says %s", id, line, p.lineOf[id])
			}
		}
	}
	if inLines != len(p.waiting) {
		fault("%d wait, %d stand in lines", len(p.waiting), inLines)
	}
	same := func(what string, a, b []string) {
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			fault("%s: %v and %v", what, a, b)
		}
	}
	same("first of the lines, and due", heads, slices.Clone(p.due))
	same("dead and buried", slices.Collect(maps.Keys(p.dead)), slices.Clone(p.buried))
	errs = append(errs, kindsFault("wait", p.waiting, p.kinds), kindsFault("are dead", p.dead, p.deadKinds))
	return errors.Join(errs...)
}

func newPosted() *posted {
	return &posted{waiting: map[string]Delivery{}, lines: map[string][]string{}, lineOf: map[string]string{}, dead: map[string]Delivery{}}
}

// posted reads a queue whole.
func (q *queue) posted() (*posted, error) {
	p, ids := newPosted(), map[uint64]string{}
	p.counted = [2]int{q.count("waiting"), q.count("dead")}
	err := q.entry.ForEach(func(key, value []byte) error {
		i, err := parseItem(binary.BigEndian.Uint64(key), value)
		if err != nil {
			return err
		}
		d, err := i.delivery()
		p.waiting[d.ID], p.lineOf[d.ID], ids[i.seq] = d, i.line, d.ID
		if seq := q.id.Get([]byte(d.ID)); len(seq) != 8 || binary.BigEndian.Uint64(seq) != i.seq {
			err = errors.Join(err, fmt.Errorf("the id %s has no index", d.ID))
		}
		return err
	})
	errs := []error{
		err,
		q.line.ForEach(func(key, _ []byte) error {
			line := string(key[:lineLength])
			p.lines[line] = append(p.lines[line], ids[binary.BigEndian.Uint64(key[lineLength:])])
			return nil
		}),
		q.due.ForEach(func(key, _ []byte) error {
			id := ids[binary.BigEndian.Uint64(key[8:])]
			p.due = append(p.due, id)
			if at := p.waiting[id].Next.UnixMilli(); uint64(at) != binary.BigEndian.Uint64(key) {
				return fmt.Errorf("%s is due at another time than it says", id)
			}
			return nil
		}),
		q.dead.ForEach(func(_, value []byte) error {
			i, err := parseItem(0, value)
			if err != nil {
				return err
			}
			d, err := i.delivery()
			p.dead[d.ID] = d
			return err
		}),
		q.deadID.ForEach(func(key, at []byte) error {
			p.buried = append(p.buried, string(key))
			if q.dead.Get(at) == nil {
				return fmt.Errorf("the dead letter %s is missing", key)
			}
			return nil
		}),
	}
	return p, errors.Join(append(errs, q.checkKinds(p, ids))...)
}

func (b *Bolt) posted(target string) (p *posted, err error) {
	err = b.file.view(func(tx *bolt.Tx) error {
		q, err := tables{tx}.queue(target, false)
		if err != nil || q == nil {
			return errors.Join(err, ErrNotFound)
		}
		p, err = q.posted()
		return err
	})
	return p, err
}

// checkOutbox looks at the queues of all targets.
func (b *Bolt) checkOutbox() error {
	var names []string
	err := b.file.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketOutbox).ForEach(func(name, _ []byte) error {
			names = append(names, string(name))
			return nil
		})
	})
	for _, name := range names {
		p, perr := b.posted(name)
		if err = errors.Join(err, perr); perr == nil {
			err = errors.Join(err, p.check())
		}
	}
	return err
}

func (r *Redis) posted(target string) (*posted, error) {
	ctx, p, keys := context.Background(), newPosted(), r.queueKeys(target)
	var errs [8]error
	var entries, states, dead map[string]string
	var lines []string
	entries, errs[0] = r.Client.HGetAll(ctx, keys[0]).Result()
	states, errs[1] = r.Client.HGetAll(ctx, keys[1]).Result()
	lines, errs[2] = r.Client.ZRange(ctx, keys[3], 0, -1).Result()
	p.due, errs[3] = r.Client.ZRange(ctx, keys[4], 0, -1).Result()
	dead, errs[4] = r.Client.HGetAll(ctx, keys[5]).Result()
	p.buried, errs[5] = r.Client.ZRange(ctx, keys[6], 0, -1).Result()
	p.counted[0], p.counted[1], errs[6] = r.Waiting(ctx, target)
	for id, entry := range entries {
		d, err := parseDelivery(states[id], entry)
		if err != nil || d.ID != id {
			return nil, fmt.Errorf("entry %s: %w", id, err)
		}
		p.waiting[id], p.lineOf[id] = d, entry[kept15:kept15+lineLength]
		delete(states, id)
	}
	if len(states) != 0 {
		errs[7] = fmt.Errorf("states without entries: %v", states)
	}
	for _, m := range lines {
		line := m[:lineLength]
		p.lines[line] = append(p.lines[line], m[45:])
	}
	for _, list := range [][]string{p.due, p.buried} {
		for i, m := range list {
			_, list[i], _ = strings.Cut(m, ":")
		}
	}
	for id, value := range dead {
		d, err := parseDead(value)
		if err != nil || d.ID != id {
			return nil, fmt.Errorf("dead letter %s: %w", id, err)
		}
		p.dead[id] = d
	}
	return p, errors.Join(append(errs[:], r.checkKinds(p, keys))...)
}

// checkOutbox looks at the queues of all targets.
func (r *Redis) checkOutbox() error {
	names := map[string]bool{}
	keys, err := allKeys(r)
	for _, key := range keys {
		if _, rest, ok := strings.Cut(key, "{l}:out:"); ok {
			name, _, _ := strings.Cut(rest, ":")
			names[name] = true
		}
	}
	for name := range names {
		p, perr := r.posted(name)
		if err = errors.Join(err, perr); perr == nil {
			err = errors.Join(err, p.check())
		}
	}
	return err
}

// allKeys lists the keys of the ledger. They are all on one node of a Cluster.
func allKeys(r *Redis) (keys []string, err error) {
	ctx := context.Background()
	scan := func(c redis.Cmdable) error {
		i := c.Scan(ctx, 0, r.key("out:*"), 1000).Iterator()
		for i.Next(ctx) {
			keys = append(keys, i.Val())
		}
		return i.Err()
	}
	c, ok := r.Client.(*redis.ClusterClient)
	if !ok {
		return keys, scan(r.Client)
	}
	node, err := c.MasterForKey(ctx, r.key("person"))
	if err != nil {
		return nil, err
	}
	return keys, scan(node)
}
