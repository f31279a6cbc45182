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
		bury(k, oldest, e, tried, attempts, 'more events wait than are kept')
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
