package redisledger

// luaQueue holds the scripts' functions for a queue: the first event of a line,
// the state of an entry, and changes of a line.
const luaQueue = `
local call = redis.call
-- What never ends, or ends later than it could if we had set it, is planted: it holds nothing up.
local function ours(k, ttl)
	local left = call('PTTL', KEYS[k])
	return left >= 0 and left <= tonumber(ttl)
end
local now, maxWaiting, maxDead, deadFor = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local changed = 0
local ENTRY, STATE, ORDER, LINE, DUE, DEAD, BURIED, KINDS, DEADKINDS, SWEEP = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9

local function first(k, line)
	return call('ZRANGEBYLEX', KEYS[k + LINE], '[' .. line .. ':', '(' .. line .. ';', 'LIMIT', 0, 1)[1]
end
local function state(k, id, entry)
	local s = call('HGET', KEYS[k + STATE], id)
	if s then return string.match(s, '^(%d+) (%d+) (%d+) (.*)$') end
	local kept = string.sub(entry, 1, 15)
	return kept, kept, '0', ''
end
local function change(k, line, what)
	local m = first(k, line)
	if m then call('ZREM', KEYS[k + DUE], string.sub(m, 29)) end
	what()
	m = first(k, line)
	if m then
		local id = string.sub(m, 46)
		local at = state(k, id, call('HGET', KEYS[k + ENTRY], id) or string.rep('0', 15))
		call('ZADD', KEYS[k + DUE], at, string.sub(m, 29))
	end
end
local function numbered(seq, id) return string.format('%016d', tonumber(seq)) .. ':' .. id end
`
