package redisledger

import "github.com/redis/go-redis/v9"

// writeScript is the only script that writes. ARGV: schema, channel, two
// announcements, now in ms, the limits of waiting events and of dead letters,
// how long the latter are kept (ms), the number of checks, the number of
// writes, the stamp; then for each check table, field, and the required start
// of its value, "" if the field must not exist; then for each write table,
// field, and value, "" to remove it; then the steps. A write to ended has the
// second until which the tombstone holds as its value. A step is a name, the
// number of the first of its keys, and five arguments.
//
// It answers two numbers. The first is 0 when all is done (or was done before,
// if the client sent it twice: the stamps show that), n when the nth check
// failed, -1 when the store has another schema, -2 when a key was seen before,
// -3 when another owner has the lease. The second is the number of events
// added, or of dead letters purged; sent twice, it is 0, or the same again if
// the batch has a tally. A full Redis, or a replica, refuses the first command that writes, and
// then nothing has changed. If Redis refuses to publish, the write still
// succeeds: see channel.
//
// The outbox: an entry is the time at which it was queued (15 digits, ms), the
// line (27 characters), and the event. Its state, after the first failed
// attempt, is the time of the next attempt, the time of the first, the number
// of attempts, and the reason of the last failure. A line's members are line,
// colon, number (16 digits), colon, id; those of due and buried begin with the
// number. A dead letter is the number, a blank, the state, a line feed, and the
// entry. Only the first event of each line is in due.
var writeScript = redis.NewScript(luaQueue + luaKinds + luaMoves + luaErase + luaSteps + luaList + luaWrite)

// luaWrite carries out a batch.
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
		stamped = stamped or (ARGV[i] == '1' and ARGV[i + 2] ~= '') or ARGV[i + 2] == ARGV[11]
	end
	return stamped
end
for i = after, #ARGV, 7 do
	if ARGV[i] == 'once' then
		local k = tonumber(ARGV[i + 1])
		local by = redis.pcall('GET', KEYS[k])
		if by == ARGV[11] then return {0, 0} end
		if by and ours(k, ARGV[i + 3]) then return {-2, 0} end
	elseif ARGV[i] == 'tally' then
		local was = redis.pcall('GET', KEYS[tonumber(ARGV[i + 1])])
		local number = type(was) == 'string' and tonumber(was)
		if number then return {0, number} end
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
return {0, changed}
`
