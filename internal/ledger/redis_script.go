package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// The keys of the store, in the order in which scripts get them. All are hashes, but for ended: a sorted set of
// tombstones by the second until which they hold. A person's value is a stamp, new with each write, and the record.
// meta holds the schema, and the number of times that ended was changed.
var tableKeys = [...]string{"person", "openid", "unionid", "alias", "ended", "meta"}

func (r *Redis) keys() []string {
	keys := make([]string, len(tableKeys))
	for i, name := range tableKeys {
		keys[i] = r.key(name)
	}
	return keys
}

// key puts everything, the channel too, into one slot of a Cluster.
func (r *Redis) key(name string) string {
	prefix := r.Prefix
	if prefix == "" {
		prefix = DefaultPrefix
	}
	return prefix + "{l}:" + name
}

const stampLength = 12

// writeScript is the only one that writes. ARGV: schema, channel, announcement, now in s, number of checks; then for
// each check table, field, and what its value must begin with, "" if there must be none; then for each write table,
// field, and value, "" to remove it. A write to ended has the second until which the tombstone holds as its value.
//
// It answers 0 when the writes are done (or, if the client sent it twice, were done: the stamps tell), n when the nth
// check failed, -1 when the store is of another schema. A Redis that is full, or only a replica, refuses the first
// command that writes, and then all is as it was; that nobody may publish is no reason to fail: see channel.
var writeScript = redis.NewScript(`
local schema = redis.call('HGET', KEYS[6], 'schema')
if schema and schema ~= ARGV[1] then return -1 end
local function get(i) return redis.call('HGET', KEYS[tonumber(ARGV[i])], ARGV[i + 1]) or '' end
local first = 6 + 3 * tonumber(ARGV[5])
local function done()
	local stamped = false
	for i = first, #ARGV, 3 do
		if ARGV[i] ~= '5' and get(i) ~= ARGV[i + 2] then return false end
		stamped = stamped or (ARGV[i] == '1' and ARGV[i + 2] ~= '')
	end
	return stamped
end
for i = 6, first - 1, 3 do
	local is, want = get(i), ARGV[i + 2]
	if (want == '' and is ~= '') or string.sub(is, 1, #want) ~= want then
		if done() then return 0 end
		return (i - 3) / 3
	end
end
local ended = false
for i = first, #ARGV, 3 do
	local key = KEYS[tonumber(ARGV[i])]
	if ARGV[i] == '5' then
		redis.call('ZADD', key, ARGV[i + 2], ARGV[i + 1])
		ended = true
	elseif ARGV[i + 2] == '' then
		redis.call('HDEL', key, ARGV[i + 1])
	else
		redis.call('HSET', key, ARGV[i + 1], ARGV[i + 2])
	end
end
if not schema then redis.call('HSET', KEYS[6], 'schema', ARGV[1]) end
if ended then
	redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', ARGV[4])
	redis.call('HINCRBY', KEYS[6], 'ended', 1)
end
if ARGV[3] ~= '' then redis.pcall('PUBLISH', ARGV[2], ARGV[3]) end
return 0
`)

// lookScript reads whatever a decision needs, in one moment. ARGV: an id, an openid's key, a unionid, each "" if not
// asked for. It answers the schema, the time, and for each of the three whose it is and that person's value.
var lookScript = redis.NewScript(`
local t = redis.call('TIME')
local out = {redis.call('HGET', KEYS[6], 'schema') or '', t[1], t[2]}
local function person(id) return redis.call('HGET', KEYS[1], id) or '' end
for i, key in ipairs({KEYS[4], KEYS[2], KEYS[3]}) do
	local name, id, value = ARGV[i], '', ''
	if name ~= '' then
		if i == 1 then value = person(name) end
		if value ~= '' then
			id = name
		else
			id = redis.call('HGET', key, name) or ''
			if id ~= '' then value = person(id) end
		end
	end
	out[#out + 1] = id
	out[#out + 1] = value
end
return out
`)

// query is what to look for; empty parts are not looked for.
type query struct{ id, appID, openID, unionID string }

func (q *query) openIDKey() string {
	if q.openID == "" {
		return ""
	}
	return string(openIDKey(q.appID, q.openID))
}

// view is what was found.
type view struct {
	at                  uint64 // µs since 1970, by Redis' clock
	id, openID, unionID stamped
}

// stamped is a person as Redis has it; nil if the name is nobody's.
type stamped struct {
	person *Person
	stamp  string
}

// look reads. Whatever index does not agree with its record is ErrCorrupt: following it would hand out somebody else.
func (r *Redis) look(ctx context.Context, q query) (v view, err error) {
	ctx, cancel := r.once(ctx)
	defer cancel()
	got, err := lookScript.Run(ctx, r.Client, r.keys(), q.id, q.openIDKey(), q.unionID).StringSlice()
	r.answer(err)
	if err != nil {
		return v, r.failed("reading", err)
	}
	if len(got) != 9 {
		return v, corrupt("%d answers instead of 9", len(got))
	}
	if err := checkSchema(got[0]); err != nil {
		return v, err
	}
	sec, err1 := strconv.ParseUint(got[1], 10, 40)
	usec, err2 := strconv.ParseUint(got[2], 10, 40)
	if err := errors.Join(err1, err2); err != nil {
		return v, r.failed("reading the time", err)
	}
	v.at = sec*uint64(time.Second/time.Microsecond) + usec
	var errs [3]error
	v.id, errs[0] = unstamp(got[3], got[4], func(p *Person) bool { return p.ID == q.id || slices.Contains(p.Merged, q.id) })
	v.openID, errs[1] = unstamp(got[5], got[6], func(p *Person) bool { return p.Holds(q.appID, q.openID) })
	v.unionID, errs[2] = unstamp(got[7], got[8], func(p *Person) bool { return p.UnionID == q.unionID })
	return v, errors.Join(errs[:]...)
}

// checkSchema refuses what a newer gateway wrote; "" is a new store.
func checkSchema(s string) error {
	if s != "" && s != string(schema) {
		return corrupt("the store has schema %.16q, this gateway knows %q", s, schema)
	}
	return nil
}

// unstamp reads a person's value, and checks it against the index that led to it.
func unstamp(id, value string, agrees func(*Person) bool) (stamped, error) {
	if id == "" {
		return stamped{}, nil
	}
	if len(value) < stampLength {
		return stamped{}, corrupt("an index leads to nobody")
	}
	p, err := decode([]byte(value[stampLength:]))
	if err != nil {
		return stamped{}, err
	}
	if p.ID != id || !agrees(&p) {
		return stamped{}, corrupt("an index and the record it points at disagree")
	}
	return stamped{&p, strings.Clone(value[:stampLength])}, nil
}

// write runs a batch. conflict is the number of the check that failed, 0 if it was carried out.
func (r *Redis) write(ctx context.Context, b *batch) (conflict int, err error) {
	ctx, cancel := r.once(ctx)
	defer cancel()
	args := []any{schema, r.key("news"), b.news, time.Now().Unix(), len(b.checks) / 3}
	args = append(append(args, b.checks...), b.writes...)
	n, err := writeScript.Run(ctx, r.Client, r.keys(), args...).Int()
	if refused := redis.Error(nil); !errors.As(err, &refused) { // a Redis that is full, or a replica, still answers readers
		r.answer(err)
	}
	switch {
	case err != nil:
		return 0, r.failed("writing", err)
	case n < 0:
		return 0, checkSchema("other")
	case n > len(b.checks)/3:
		return 0, fmt.Errorf("%w: writing: answer %d", ErrUnavailable, n)
	}
	return n, nil
}
