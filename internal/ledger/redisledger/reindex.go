package redisledger

import (
	"context"
	"hash/maphash"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

const (
	// indexStep is how many records or entries one call looks at. Redis answers
	// no other call meanwhile: it is some 0.2 ms.
	indexStep = 256
	// indexWrite is how many records are written in one call.
	indexWrite = 64
	// indexPause follows each call, and at least as long as the call took: at
	// least half of the time is for visitors.
	indexPause = time.Millisecond
	// indexRetry follows a failure.
	indexRetry = 5 * time.Second
)

// oldScript looks at some records and returns those whose entries were not
// written with them. KEYS: person. ARGV: the cursor, the number, the beginning
// of a good stamp, and how much of the values to answer, -1 for all. It answers
// the next cursor, and two values each: id, value.
var oldScript = redis.NewScript(`
local r = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local out = {r[1]}
for i = 1, #r[2], 2 do
	if string.sub(r[2][i + 1], 1, #ARGV[3]) ~= ARGV[3] then
		out[#out + 1] = r[2][i]
		out[#out + 1] = string.sub(r[2][i + 1], 1, tonumber(ARGV[4]))
	end
end
return out
`)

// unlistScript removes entries whose person is gone, or has a record that was
// written without them. KEYS: person, an index. ARGV as for oldScript. It
// answers the next cursor.
var unlistScript = redis.NewScript(`
local r = redis.call('ZSCAN', KEYS[2], ARGV[1], 'COUNT', ARGV[2])
for i = 1, #r[2], 2 do
	local value = redis.call('HGET', KEYS[1], string.sub(r[2][i], -` + idLength + `)) or ''
	if string.sub(value, 1, #ARGV[3]) ~= ARGV[3] then redis.call('ZREM', KEYS[2], r[2][i]) end
end
return {r[1]}
`)

// reindex makes the indexes right for all that older gateways have written. It
// builds them in a store that has none, at the start or later: a Redis may come
// back empty, or from a backup. It ends with the context.
func (l *Ledger) reindex(ctx context.Context) {
	for {
		for l.reindexOnce(ctx) != nil {
			if !sleep(ctx, indexRetry) { // what fails is logged by other calls
				return
			}
		}
		select {
		case <-l.unindexed: // of before
		default:
		}
		select {
		case <-l.unindexed:
		case <-ctx.Done():
			return
		}
	}
}

// missIndex has the indexes built, which the store does not have.
func (l *Ledger) missIndex() {
	select {
	case l.unindexed <- struct{}{}:
	default: // not started, or told already
	}
}

// reindexOnce looks at everything once. Entries come first: those of records
// that are not listed are removed, and then written anew with the record. A
// record that was written since may have entries that were not removed: it is
// left to the next instance that starts.
func (l *Ledger) reindexOnce(ctx context.Context) error {
	person := l.key(tableKeys[0])
	x := indexer{l: l, seed: maphash.MakeSeed()}
	if err := l.eachStep(ctx, oldScript, []string{person}, x.note, stampLength); err != nil {
		return err
	}
	slices.Sort(x.noted)
	for _, index := range []string{keySeen, keyNickname} {
		if err := l.eachStep(ctx, unlistScript, []string{person, l.key(index)}, nil); err != nil {
			return err
		}
	}
	if err := l.eachStep(ctx, oldScript, []string{person}, x.list, -1); err != nil {
		return err
	}
	once, cancel := l.once(ctx)
	defer cancel()
	return l.failed("building the index of persons", l.Client.HSet(once, l.key("meta"), "lists", ledger.ListsVersion).Err())
}

// indexer is one look at everything.
type indexer struct {
	l     *Ledger
	seed  maphash.Seed
	noted []uint64 // hashes of ids and stamps, of records as they were before entries were removed
}

func (x *indexer) hash(id, stamp string) uint64 { return maphash.String(x.seed, id+stamp) }

// note notes the stamps of records.
func (x *indexer) note(_ context.Context, found []string) error {
	for i := 0; i+1 < len(found); i += 2 {
		x.noted = append(x.noted, x.hash(found[i], found[i+1]))
	}
	return nil
}

// eachStep runs a scanning script until its cursor is at the end, and gives what
// it found to do.
func (l *Ledger) eachStep(ctx context.Context, script *redis.Script, keys []string, do func(ctx context.Context, found []string) error, args ...any) error {
	for cursor := "0"; ; {
		begun := time.Now()
		once, cancel := l.once(ctx)
		got, err := script.Run(once, l.Client, keys, append([]any{cursor, indexStep, ledger.ListsVersion}, args...)...).StringSlice()
		cancel()
		if err != nil || len(got)%2 == 0 {
			return l.failed("building the index of persons", orLength(err))
		}
		if do != nil {
			if err := do(ctx, got[1:]); err != nil {
				return err
			}
		}
		if cursor = got[0]; cursor == "0" {
			return nil
		}
		if !sleep(ctx, max(indexPause, time.Since(begun))) {
			return ctx.Err()
		}
	}
}

// list writes records anew, with their entries. It leaves records that cannot
// be read: Verify reports them.
func (x *indexer) list(ctx context.Context, found []string) error {
	var old []stamped
	for i := 0; i+1 < len(found); i += 2 {
		if s, err := unstamp(found[i], found[i+1], func(*ledger.Person) bool { return true }); err == nil {
			old = append(old, s)
		}
	}
	for some := range slices.Chunk(old, indexWrite) {
		conflict, err := x.write(ctx, some)
		if err != nil {
			return err
		}
		for i := 0; conflict && i < len(some); i++ { // the others of the step are written one by one
			// A conflict of one: its new record has its entries, or is still another
			// gateway's of before, which starts anew some day.
			if _, err := x.write(ctx, some[i:i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes records anew if none of them has changed.
func (x *indexer) write(ctx context.Context, some []stamped) (conflict bool, err error) {
	b := newBatch()
	b.listed = map[string]bool{}
	for _, s := range some {
		_, b.listed[s.person.ID] = slices.BinarySearch(x.noted, x.hash(s.person.ID, s.stamp))
		b.expectPerson(s)
		if err := b.put(s.person); err != nil {
			return false, err
		}
	}
	n, _, err := x.l.write(ctx, b)
	return n != 0, err
}

// idLength is the length of the id at the end of an entry, for scripts.
var idLength = strconv.Itoa(ledger.IDLength)
