package redisledger

import (
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// The indexes of lists are two sorted sets, seen and nickname. All scores are
// 0, so that members, which are the entries of ledger.Listing, are in lexical
// order. The script that writes a record also writes its entries.
//
// An older gateway, which runs beside this one for a while during an upgrade,
// changes records and leaves the entries as they are. So the stamp of a record
// begins with ledger.ListsVersion if its entries were written with it. Each
// instance looks for records with another stamp when it starts: reindex.go. The
// field lists of meta holds the version when all records have been indexed once.
const (
	keySeen     = "seen"
	keyNickname = "nickname"
)

// unlisted begins the stamp of a record that may have entries of before.
const unlisted = "0"

// stampOf returns the stamp of a record that is written. A record that an older
// gateway has written is not taken for an indexed one before reindex has
// removed the entries that gateway left.
func (b *batch) stampOf(id string) string {
	before, known := b.before[id]
	if !known || b.listed[id] || strings.HasPrefix(before.stamp, ledger.ListsVersion) {
		return b.stamp
	}
	return unlisted + b.stamp[len(unlisted):]
}

// relist adds a step for the entries of each record that the batch writes or
// removes. It must know each record that it replaces: see expectPerson.
func (b *batch) relist(s *server) {
	if len(b.after) == 0 {
		return
	}
	first := b.use(s.key(keySeen), s.key(keyNickname))
	for _, id := range slices.Sorted(maps.Keys(b.after)) {
		var was, is ledger.Listing
		if before, known := b.before[id]; known {
			was = before.person.Listing()
		}
		if p := b.after[id]; p != nil {
			is = p.Listing()
		}
		b.step("list", first, was.Seen, is.Seen, was.Nickname, is.Nickname)
	}
	b.after = nil
}

// luaList is the step that replaces the entries of a person; "" is none.
const luaList = `
function steps.list(k, wasSeen, seen, wasNickname, nickname)
	local function replace(key, was, is)
		if was ~= '' and was ~= is then call('ZREM', key, was) end
		if is ~= '' then call('ZADD', key, 0, is) end
	end
	replace(KEYS[k], wasSeen, seen)
	replace(KEYS[k + 1], wasNickname, nickname)
end
`

// listScript reads entries of an index with their persons. KEYS: person, an
// index, meta. ARGV: the version of the indexes, the limit, "back" for
// descending order, the two ends of the range, the smaller one first, and
// "count" to count the entries in it. It answers the schema, the version that
// is complete, the number of entries, and two values each: entry, and the
// person's value.
var listScript = redis.NewScript(`
local call = redis.call
local out = {call('HGET', KEYS[3], 'schema') or '', call('HGET', KEYS[3], 'lists') or '', '0'}
if out[2] ~= ARGV[1] then return out end
local found
if ARGV[3] == 'back' then
	found = call('ZREVRANGEBYLEX', KEYS[2], ARGV[5], ARGV[4], 'LIMIT', 0, ARGV[2])
else
	found = call('ZRANGEBYLEX', KEYS[2], ARGV[4], ARGV[5], 'LIMIT', 0, ARGV[2])
end
if ARGV[6] == 'count' then out[3] = tostring(call('ZLEXCOUNT', KEYS[2], ARGV[4], ARGV[5])) end
for _, entry in ipairs(found) do
	out[#out + 1] = entry
	out[#out + 1] = call('HGET', KEYS[1], string.sub(entry, -` + idLength + `)) or ''
end
return out
`)
