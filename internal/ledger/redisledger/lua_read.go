package redisledger

import "github.com/redis/go-redis/v9"

// dueScript reads the due events. KEYS: those of a target. ARGV: now in ms, the
// limit. It answers when the next event is due, "" if none, and then three
// values each: next attempt, state, entry.
var dueScript = redis.NewScript(`
local found = redis.call('ZRANGE', KEYS[5], 0, ARGV[2], 'WITHSCORES')
local out = {''}
for i = 1, #found, 2 do
	if tonumber(found[i + 1]) > tonumber(ARGV[1]) or i > 2 * tonumber(ARGV[2]) then
		out[1] = found[i + 1]
		break
	end
	local id = string.sub(found[i], 18)
	out[#out + 1] = redis.call('HGET', KEYS[2], id) or ''
	out[#out + 1] = redis.call('HGET', KEYS[1], id) or ''
end
return out
`)

// pendingScript reads waiting events, the one queued first at the beginning.
// KEYS: those of a target. ARGV: the limit. It answers two values each: state,
// entry.
var pendingScript = redis.NewScript(`
local out = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, ARGV[1] - 1)) do
	local entry = redis.call('HGET', KEYS[1], id)
	if entry then
		out[#out + 1] = redis.call('HGET', KEYS[2], id) or ''
		out[#out + 1] = entry
	end
end
return out
`)

// deadOfScript finds dead letters by their lines. KEYS: those of a target. ARGV:
// a cursor, the lines with commas between them. It answers the next cursor and
// the ids of some letters.
var deadOfScript = redis.NewScript(`
local ours = {}
for line in string.gmatch(ARGV[2], '[^,]+') do ours[line] = true end
local page = redis.call('HSCAN', KEYS[6], ARGV[1], 'COUNT', 1000)
local out = {page[1]}
for i = 1, #page[2], 2 do
	local value = page[2][i + 1]
	local line = string.find(value, '\n', 1, true)
	if line and ours[string.sub(value, line + 16, line + 42)] then out[#out + 1] = page[2][i] end
end
return out
`)

// letterScript reads one event. KEYS: those of a target. ARGV: its id. It
// answers its state and entry, or the value of a dead letter, "" each if there
// is none.
var letterScript = redis.NewScript(`
local function get(key) return redis.call('HGET', key, ARGV[1]) or '' end
return {get(KEYS[2]), get(KEYS[1]), get(KEYS[6])}
`)

// deadScript reads dead letters, newest first. KEYS: those of a target. ARGV:
// the id after which to begin, "" for the beginning; the earliest burial (ms);
// the limit. It answers nil if there is no such id, else the values.
var deadScript = redis.NewScript(`
local from = 0
if ARGV[1] ~= '' then
	local dead = redis.call('HGET', KEYS[6], ARGV[1])
	if not dead then return false end
	local rank = redis.call('ZREVRANK', KEYS[7], string.sub(dead, 1, 16) .. ':' .. ARGV[1])
	if not rank then return false end
	from = rank + 1
end
local out = {}
local found = redis.call('ZREVRANGE', KEYS[7], from, from + ARGV[3] - 1, 'WITHSCORES')
for i = 1, #found, 2 do
	if tonumber(found[i + 1]) <= tonumber(ARGV[2]) then break end
	out[#out + 1] = redis.call('HGET', KEYS[6], string.sub(found[i], 18)) or ''
end
return out
`)
