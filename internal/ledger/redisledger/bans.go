package redisledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// bans holds the bans in Redis that an instance knows. The key bans is a hash
// of them by id, in JSON; the field bans of meta is a stamp, new with each
// change. A change is announced by a word among those of tombstones: b and the
// ban's id. Gateways that know no bans ignore it.
type bans struct {
	ledger.BanSet
	reading sync.Mutex // held while the memory takes what Redis has
	stamp   string     // that of the bans in memory, if they were read as a whole; under reading
	read    bool
	bad     int    // how many could not be read then; under reading
	changed func() // is called when the memory has changed
}

// sayBan begins the word of a changed ban.
const sayBan = "b"

// bansStep is how many bans are read at once.
const bansStep = 1000

// tableMeta is the number of the key meta, in which the field bans is the
// stamp.
const tableMeta = tableEnded + 1

const fieldBans = "bans"

// loadBans reads all bans, unless none has changed since they were last read.
// It returns the stamp of a moment since which the memory may be newer.
func (e *ends) loadBans(ctx context.Context) (stamp string, err error) {
	b := &e.bans
	b.reading.Lock()
	defer b.reading.Unlock()
	once, cancel := e.once(ctx)
	defer cancel()
	stamp, err = e.Client.HGet(once, e.key("meta"), fieldBans).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", e.failed("reading the bans", err)
	}
	if b.read && stamp == b.stamp {
		return stamp, nil
	}
	all, bad, err := e.allBans(ctx)
	if err != nil {
		return "", err
	}
	if bad > 0 && e.Logger != nil {
		e.Logger.Warn("the ledger in Redis has bans that cannot be read, and that do not hold here; a newer gateway may have written them", "number", bad)
	}
	b.Reset(all)
	b.bad, b.stamp, b.read = bad, stamp, true // the stamp from before the reading: later changes are read again
	b.changed()
	return stamp, nil
}

// whole returns all bans, or ErrCorrupt if some could not be read.
func (b *bans) whole() ([]ledger.Ban, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.bad > 0 {
		return nil, ledger.Corrupt("%d bans cannot be decoded; perhaps a newer gateway has written them", b.bad)
	}
	return b.All(), nil
}

func (e *ends) allBans(ctx context.Context) (all []ledger.Ban, bad int, err error) {
	for cursor := uint64(0); ; {
		once, cancel := e.once(ctx)
		fields, next, err := e.Client.HScan(once, e.key("bans"), cursor, "", bansStep).Result()
		cancel()
		if err != nil {
			return nil, 0, e.failed("reading the bans", err)
		}
		for i := 0; i+1 < len(fields); i += 2 {
			if b, err := ledger.DecodeBan(fields[i], []byte(fields[i+1])); err != nil {
				bad++
			} else {
				all = append(all, b)
			}
		}
		if cursor = next; cursor == 0 {
			return all, bad, nil
		}
	}
}

// confirmBans takes these bans into the memory as Redis has them.
func (e *ends) confirmBans(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	b := &e.bans
	b.reading.Lock()
	defer b.reading.Unlock()
	once, cancel := e.once(ctx)
	defer cancel()
	values, err := e.Client.HMGet(once, e.key("bans"), ids...).Result()
	if err != nil || len(values) != len(ids) {
		return e.failed("looking up bans", orLength(err))
	}
	changed := false
	for i, id := range ids {
		data, there := values[i].(string)
		if !there {
			changed = b.Drop(id) || changed
		} else if ban, err := ledger.DecodeBan(id, []byte(data)); err == nil {
			changed = b.Put(ban) || changed
		}
	}
	if changed {
		b.changed()
	}
	return nil
}

// banWords splits off the words of bans.
func banWords(words []string) (ids, tombstones []string) {
	for _, word := range words {
		if id, ok := strings.CutPrefix(word, sayBan); ok {
			ids = append(ids, id)
		} else {
			tombstones = append(tombstones, word)
		}
	}
	return ids, tombstones
}

// isBanWord reports whether a word announces a ban.
func isBanWord(word string) bool {
	id, ok := strings.CutPrefix(word, sayBan)
	return ok && ledger.ValidID(id)
}

// changeBans adds the change of bans to a batch: those to store and those to
// delete. The condition is that no other change was written since loadBans gave
// the stamp, before the change was decided: the memory may take changes at any
// time.
func (b *batch) changeBans(e *ends, stamp string, put []ledger.Ban, remove []string) error {
	b.bans = stamp
	b.checks = append(b.checks, int(tableMeta), fieldBans, b.bans)
	if len(put)+len(remove) == 0 {
		return nil
	}
	key := b.use(e.key("bans"))
	words := strings.Fields(strings.TrimPrefix(b.endNews, string(sayEnded)))
	for _, ban := range put {
		b.changed = append(b.changed, ban.ID)
		data, err := json.Marshal(ban)
		if err != nil {
			return fmt.Errorf("encoding a ban: %w", err)
		}
		b.writes = append(b.writes, key, ban.ID, string(data))
	}
	for _, id := range remove {
		b.changed = append(b.changed, id)
		b.writes = append(b.writes, key, id, "")
	}
	for _, id := range b.changed {
		words = append(words, sayBan+id)
	}
	b.writes = append(b.writes, int(tableMeta), fieldBans, b.stamp)
	b.endNews = string(sayEnded) + strings.Join(words, " ")
	return nil
}

// follow adds to a batch what becomes of the bans of a person who loses a name
// or is erased.
func (l *Ledger) follow(b *batch, stamp string, p *ledger.Person, erased bool) error {
	return b.changeBans(&l.ends, stamp, l.ends.bans.Following(p, erased), nil)
}

// settleBans takes the changes of a batch that was written into the memory. If
// Redis does not answer, they are looked up again, as if another instance had
// announced them.
func (l *Ledger) settleBans(ctx context.Context, b *batch) {
	if len(b.changed) == 0 {
		return
	}
	if l.ends.confirmBans(ctx, b.changed) != nil {
		for _, id := range b.changed {
			l.ends.announced.add(sayBan + id)
		}
		return
	}
	known := &l.ends.bans
	known.reading.Lock()
	defer known.reading.Unlock()
	if known.stamp == b.bans {
		known.stamp = b.stamp // the memory has all changes up to this one
	}
}
