package ledger

import "github.com/redis/go-redis/v9"

// writeScript is the only one that writes. ARGV: schema, channel, two announcements, now in ms, the limits of what may
// wait and of dead letters, for how long the latter are kept (ms), the number of checks, the number of writes, the
// stamp; then for each check table, field, and what its value must begin with, "" if there must be none; then for each
// write table, field, and value, "" to remove it; then the steps. A write to ended has the second until which the
// tombstone holds as its value. A step is a name, the number of the first of its keys, and five arguments.
//
// It answers two numbers. The first is 0 when all is done (or, if the client sent it twice, was done: the stamps tell),
// n when the nth check failed, -1 when the store is of another schema, -2 when a key was seen before, -3 when somebody
// else has the lease. The second is how many events were added. A Redis that is full, or only a replica, refuses the
// first command that writes, and then all is as it was; that nobody may publish is no reason to fail: see channel.
//
// The outbox: an entry is when it was kept (15 digits, ms), the line (27 characters), and the event. Its state, which
// it has once it was tried in vain, is the next try, the first, how many there were, and why the last failed. A line's
// members are line, colon, number (16 digits), colon, id; those of due and buried begin with the number. What is buried
// is the number, a blank, the state, a line feed, and the entry. Only the first of each line stands in due.
var writeScript = redis.NewScript(luaQueue + luaSteps + luaWrite)

const luaQueue = `
local call = redis.call
local now, maxWaiting, maxDead, deadFor = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local added = 0
local ENTRY, STATE, ORDER, LINE, DUE, DEAD, BURIED = 0, 1, 2, 3, 4, 5, 6

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

local function forget(k)
	for i = 1, 64 do
		local oldest = call('ZRANGE', KEYS[k + BURIED], 0, 0, 'WITHSCORES')
		if not oldest[1] then return end
		if call('ZCARD', KEYS[k + BURIED]) <= maxDead and tonumber(oldest[2]) > now - deadFor then return end
		call('ZREM', KEYS[k + BURIED], oldest[1])
		call('HDEL', KEYS[k + DEAD], string.sub(oldest[1], 18))
	end
end
local function remove(k, id, entry)
	local line, seq = string.sub(entry, 16, 42), call('ZSCORE', KEYS[k + ORDER], id)
	change(k, line, function()
		call('ZREM', KEYS[k + LINE], line .. ':' .. numbered(seq, id))
		call('ZREM', KEYS[k + ORDER], id)
		call('HDEL', KEYS[k + ENTRY], id)
		call('HDEL', KEYS[k + STATE], id)
	end)
	return seq
end
local function bury(k, id, entry, tried, attempts, reason)
	local seq = remove(k, id, entry)
	call('HSET', KEYS[k + DEAD], id, string.format('%016d %d ', tonumber(seq), now) .. tried .. ' ' .. attempts .. ' ' .. reason .. '\n' .. entry)
	call('ZADD', KEYS[k + BURIED], now, numbered(seq, id))
	forget(k)
end
local function insert(k, seq, id, entry)
	local line = string.sub(entry, 16, 42)
	change(k, line, function()
		call('HSET', KEYS[k + ENTRY], id, entry)
		call('ZADD', KEYS[k + ORDER], seq, id)
		call('ZADD', KEYS[k + LINE], 0, line .. ':' .. numbered(seq, id))
	end)
	added = added + 1
	while call('ZCARD', KEYS[k + ORDER]) > maxWaiting do
		local oldest = call('ZRANGE', KEYS[k + ORDER], 0, 0)[1]
		local e = call('HGET', KEYS[k + ENTRY], oldest)
		if not e then return call('ZREM', KEYS[k + ORDER], oldest) end
		local _, tried, attempts = state(k, oldest, e)
		bury(k, oldest, e, tried, attempts, '` + tooMany + `')
	end
	forget(k)
end
local function join(k, from, to)
	local m = first(k, from)
	if from == to or not m then return end
	call('ZREM', KEYS[k + DUE], string.sub(m, 29))
	change(k, to, function()
		while m do
			local id = string.sub(m, 46)
			local e = call('HGET', KEYS[k + ENTRY], id)
			call('HSET', KEYS[k + ENTRY], id, string.sub(e, 1, 15) .. to .. string.sub(e, 43))
			call('ZREM', KEYS[k + LINE], m)
			call('ZADD', KEYS[k + LINE], 0, to .. string.sub(m, 28))
			m = first(k, from)
		end
	end)
end
`

const luaSteps = `
local steps = {}
function steps.add(k, id, entry, aliases)
	if call('HEXISTS', KEYS[k + ENTRY], id) == 1 or call('HEXISTS', KEYS[k + DEAD], id) == 1 then return end
	local line = string.sub(entry, 16, 42)
	for alias in string.gmatch(aliases, '[^,]+') do join(k, alias, line) end
	insert(k, call('HINCRBY', KEYS[6], 'told', 1), id, entry)
end
function steps.sent(k, id)
	local entry = call('HGET', KEYS[k + ENTRY], id)
	if entry then remove(k, id, entry) end
end
function steps.later(k, id, at, reason)
	local entry = call('HGET', KEYS[k + ENTRY], id)
	if not entry then return end
	local due, tried, attempts, was = state(k, id, entry)
	if tonumber(due) == tonumber(at) and was == reason and attempts ~= '0' then return end -- sent twice
	if attempts == '0' then tried = string.format('%d', now) end
	change(k, string.sub(entry, 16, 42), function()
		call('HSET', KEYS[k + STATE], id, at .. ' ' .. tried .. ' ' .. (attempts + 1) .. ' ' .. reason)
	end)
end
function steps.bury(k, id, reason)
	local entry = call('HGET', KEYS[k + ENTRY], id)
	if not entry then return end
	local _, tried, attempts = state(k, id, entry)
	if attempts == '0' then tried = string.format('%d', now) end
	bury(k, id, entry, tried, string.format('%d', attempts + 1), reason)
end
function steps.back(k, id)
	local dead = call('HGET', KEYS[k + DEAD], id)
	if not dead then return end
	local seq, entry = string.match(dead, '^(%d+) [^\n]*\n(.*)$')
	local at = call('ZSCORE', KEYS[k + BURIED], seq .. ':' .. id)
	if not at or tonumber(at) <= now - deadFor then return end
	call('HDEL', KEYS[k + DEAD], id)
	call('ZREM', KEYS[k + BURIED], seq .. ':' .. id)
	insert(k, tonumber(seq), id, string.format('%015d', now) .. string.sub(entry, 16))
end
function steps.lease(k, owner, ttl)
	local is = call('GET', KEYS[k])
	if is and is ~= owner then return -3 end
	call('SET', KEYS[k], owner, 'PX', ttl)
end
function steps.release(k, owner)
	if call('GET', KEYS[k]) == owner then call('DEL', KEYS[k]) end
end
function steps.once(k, stamp, ttl)
	call('SET', KEYS[k], stamp, 'PX', ttl)
end
`

const luaWrite = `
local schema = call('HGET', KEYS[6], 'schema')
if schema and schema ~= ARGV[1] then return {-1, 0} end
local function get(i) return call('HGET', KEYS[tonumber(ARGV[i])], ARGV[i + 1]) or '' end
local writes = 12 + 3 * tonumber(ARGV[9])
local after = writes + 3 * tonumber(ARGV[10])
local function done()
	local stamped = false
	for i = writes, after - 1, 3 do
		if ARGV[i] ~= '5' and get(i) ~= ARGV[i + 2] then return false end
		stamped = stamped or (ARGV[i] == '1' and ARGV[i + 2] ~= '')
	end
	return stamped
end
for i = after, #ARGV, 7 do
	if ARGV[i] == 'once' then
		local by = call('GET', KEYS[tonumber(ARGV[i + 1])])
		if by == ARGV[11] then return {0, 0} end
		if by then return {-2, 0} end
	end
end
for i = 12, writes - 1, 3 do
	local is, want = get(i), ARGV[i + 2]
	if (want == '' and is ~= '') or string.sub(is, 1, #want) ~= want then
		if done() then return {0, 0} end
		return {(i - 9) / 3, 0}
	end
end
local ended = false
for i = writes, after - 1, 3 do
	local key = KEYS[tonumber(ARGV[i])]
	if ARGV[i] == '5' then
		call('ZADD', key, ARGV[i + 2], ARGV[i + 1])
		ended = true
	elseif ARGV[i + 2] == '' then
		call('HDEL', key, ARGV[i + 1])
	else
		call('HSET', key, ARGV[i + 1], ARGV[i + 2])
	end
end
for i = after, #ARGV, 7 do
	local code = steps[ARGV[i]](tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6])
	if code then return {code, 0} end
end
if not schema then call('HSET', KEYS[6], 'schema', ARGV[1]) end
if ended then
	call('ZREMRANGEBYSCORE', KEYS[5], '-inf', math.floor(now / 1000))
	call('HSET', KEYS[6], 'ends', ARGV[11])
end
for i = 3, 4 do
	if ARGV[i] ~= '' then redis.pcall('PUBLISH', ARGV[2], ARGV[i]) end
end
return {0, added}
`

// dueScript reads what is due. KEYS: those of a target. ARGV: now in ms, how many at most. It answers when the next one
// is due, "" if none, and then for each three: when to try next, state, entry.
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

// deadScript reads dead letters, newest first. KEYS: those of a target. ARGV: the id after which to begin, "" for the
// beginning; since when (ms); how many at most. It answers nil if there is no such id, else the values.
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
