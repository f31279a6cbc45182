package redisledger

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// The keys of the store, in the order in which scripts get them. All are
// hashes, except ended, a sorted set of tombstones by the second until which
// they hold. A person's value is a stamp, new with each write, and the record.
// meta holds the schema, the stamp of the last change of ended, that of the
// bans, and the number of the last queued event. For the key of the bans see
// bans, for those of the outbox queueKeys.
var tableKeys = [...]string{"person", "openid", "unionid", "alias", "ended", "meta"}

func (s *server) keys() []string {
	keys := make([]string, len(tableKeys))
	for i, name := range tableKeys {
		keys[i] = s.key(name)
	}
	return keys
}

// key puts every key, and the channel, into one slot of a Cluster.
func (s *server) key(name string) string {
	prefix := s.Prefix
	if prefix == "" {
		prefix = DefaultPrefix
	}
	return prefix + "{l}:" + name
}

const (
	stampLength = 12
	schema      = "1"
)

// tableEnded is the number of the tombstones' key, after those of the tables,
// whose numbers are those of their keys.
const tableEnded = ledger.TableAlias + 1

// lookScript reads all data for a decision at one moment. ARGV: an id, an
// openid's key, a unionid, each "" if not asked for. It answers the schema, the
// time, and for each of the three the id of the person and that person's value.
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

// view is the result of a look-up.
type view struct {
	at                  uint64 // µs since 1970, by Redis' clock
	id, openID, unionID stamped
}

// stamped is a person in Redis; nil if no person has the name.
type stamped struct {
	person *ledger.Person
	stamp  string
}

// look reads the persons of a query. An index that does not agree with its
// record is ErrCorrupt: following it would return another person.
func (s *server) look(ctx context.Context, q ledger.Query) (v view, err error) {
	ctx, cancel := s.once(ctx)
	defer cancel()
	got, err := lookScript.Run(ctx, s.Client, s.keys(), q.ID, q.OpenIDKey(), q.UnionID).StringSlice()
	s.answer(err)
	if err != nil {
		return v, s.failed("reading", err)
	}
	if len(got) != 9 {
		return v, ledger.Corrupt("%d answers instead of 9", len(got))
	}
	if err := checkSchema(got[0]); err != nil {
		return v, err
	}
	sec, err1 := strconv.ParseUint(got[1], 10, 40)
	usec, err2 := strconv.ParseUint(got[2], 10, 40)
	if err := errors.Join(err1, err2); err != nil {
		return v, s.failed("reading the time", err)
	}
	v.at = sec*uint64(time.Second/time.Microsecond) + usec
	var errs [3]error
	v.id, errs[0] = unstamp(got[3], got[4], func(p *ledger.Person) bool { return p.ID == q.ID || slices.Contains(p.Merged, q.ID) })
	v.openID, errs[1] = unstamp(got[5], got[6], func(p *ledger.Person) bool { return p.Holds(q.AppID, q.OpenID) })
	v.unionID, errs[2] = unstamp(got[7], got[8], func(p *ledger.Person) bool { return p.UnionID == q.UnionID })
	return v, errors.Join(errs[:]...)
}

// checkSchema refuses a store of a newer gateway; "" is a new store.
func checkSchema(s string) error {
	if s != "" && s != schema {
		return ledger.Corrupt("the store has schema %.16q, this gateway knows %q", s, schema)
	}
	return nil
}

// unstamp reads a person's value, and checks it against the index that led to
// it.
func unstamp(id, value string, agrees func(*ledger.Person) bool) (stamped, error) {
	if id == "" {
		return stamped{}, nil
	}
	if len(value) < stampLength {
		return stamped{}, ledger.Corrupt("an index leads to no person")
	}
	p, err := ledger.DecodePerson([]byte(value[stampLength:]))
	if err != nil {
		return stamped{}, err
	}
	if p.ID != id || !agrees(&p) {
		return stamped{}, ledger.Corrupt("an index and the record it points at disagree")
	}
	return stamped{&p, strings.Clone(value[:stampLength])}, nil
}
