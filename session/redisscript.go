package session

import "github.com/redis/go-redis/v9"

// Answers of saveScript; any other answer is the record that was there first.
const (
	replyDone      = "1"
	replyEnded     = "0"
	replyLineEnded = "l"
)

// maxPerPerson bounds the sessions of one person, and so the time that a script
// takes. Beyond it the session that would expire first is ended.
const maxPerPerson = 1000

// saveScript writes a record and its entry in the person's index in one step.
//
// The mark of an ended person is compared here, in the step that writes, so
// that a session that was made before the end and is saved after it is refused.
// Sessions count whole seconds, so the second of the end counts as before.
//
// A mark from a clock ahead of the caller's, or one that is not a number,
// counts as one of now, and is stored as such (attack: it would end the
// sessions of all later sign-ins of the person). A session that moves here from
// a sealed cookie is exempt: it may be as old as the mark.
//
// A line that has ended takes no new session, and none of its sessions is
// written.
//
// KEYS: record, index, mark, line. ARGV: mode, record, TTL in ms, tag, ref,
// expiry in s, creation in s, now in s, limit of the index (0: none), prefix of
// record keys, channel.
var saveScript = redis.NewScript(`
local mode, ttl, ref, limit = ARGV[1], tonumber(ARGV[3]), ARGV[5], tonumber(ARGV[9])
local had = redis.call('GET', KEYS[1])
if had == 'x' or (mode == 'update' and not had) then return '0' end
if had and string.sub(had, 1, 1) == 'r' then return '0' end
if redis.call('GET', KEYS[4]) then
	if mode == 'new' then return 'l' end
	return '0'
end
if limit > 0 then
	local mark, now = redis.call('GET', KEYS[3]), tonumber(ARGV[8])
	if mark and mode ~= 'upgrade' and (tonumber(mark) or now + 2) > now + 1 then
		mark = ARGV[8]
		redis.call('SET', KEYS[3], mark, 'KEEPTTL')
	end
	if mark and tonumber(ARGV[7]) <= (tonumber(mark) or math.huge) then return '0' end
end
if mode == 'upgrade' and had then return had end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ttl)
if limit > 0 then
	redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[8])
	redis.call('ZADD', KEYS[2], ARGV[6], ref)
	for i = 1, redis.call('ZCARD', KEYS[2]) - limit do
		local old = redis.call('ZPOPMIN', KEYS[2])[1]
		redis.call('DEL', ARGV[10] .. old)
		redis.call('PUBLISH', ARGV[11], 'e' .. ARGV[4] .. old)
	end
	if redis.call('PTTL', KEYS[2]) < ttl then redis.call('PEXPIRE', KEYS[2], ttl) end
end
if had then redis.call('PUBLISH', ARGV[11], 'c' .. ARGV[4] .. ref) end
return '1'
`)

// endScript ends one session and its line, and reports whether there was one.
// The removal comes first, here and below: a Redis without memory allows it,
// and then allows the rest.
//
// KEYS: record, index, line. ARGV: name to announce, ref, 1 if a sealed cookie
// may exist, how long to remember that and the line in ms, channel, the line's
// name to announce, "" if there is none.
var endScript = redis.NewScript(`
local had = redis.call('GET', KEYS[1])
local live = had and had ~= 'x'
if live then redis.call('DEL', KEYS[1]) end
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('PUBLISH', ARGV[5], 'e' .. ARGV[1])
if ARGV[6] ~= '' then
	redis.call('PUBLISH', ARGV[5], 'l' .. ARGV[6])
	redis.call('SET', KEYS[3], '1', 'PX', ARGV[4])
end
local flags = 2
if live and string.sub(had, 1, 1) == 'r' then flags = 16 end
if ARGV[3] == '1' or (live and (string.byte(had, flags) or 1) % 2 == 1) then
	redis.call('SET', KEYS[1], 'x', 'PX', ARGV[4])
end
return live and 1 or 0
`)

// replaceScript marks a session as replaced, unless it is already, and reports
// whether it did. The record keeps its TTL: connections that the session opened
// go on until then.
//
// KEYS: record. ARGV: when it ceases to be accepted (13 digits), 1 if it is in
// a sealed cookie alone, how long to remember that in ms, name to announce,
// channel.
var replaceScript = redis.NewScript(`
local had = redis.call('GET', KEYS[1])
if had == 'x' or (had and string.sub(had, 1, 1) == 'r') then return 0 end
if had then
	redis.call('SET', KEYS[1], 'r' .. ARGV[1] .. had, 'KEEPTTL')
elseif ARGV[2] == '1' then
	redis.call('SET', KEYS[1], 'r' .. ARGV[1], 'PX', ARGV[3])
else
	return 0
end
redis.call('PUBLISH', ARGV[5], 'c' .. ARGV[4])
return 1
`)

// endPersonScript ends the sessions of a person that were created up to a
// second, or all, and leaves a mark against sessions that are being saved, or
// are still in sealed cookies. It also removes a record that cannot be read.
// The mark never moves back.
//
// KEYS: index, mark. ARGV: prefix of record keys, the second, how long to
// remember in ms, what to announce, channel, 1 for all sessions.
var endPersonScript = redis.NewScript(`
local function created(record)
	local at = 1
	if string.sub(record, 1, 1) == 'r' then at = 15 end
	if math.floor((string.byte(record, at + 1) or 0) / 16) % 2 == 1 then at = at + 16 end
	local second, unit = 0, 1
	for i = at + 4, at + 13 do
		local b = string.byte(record, i)
		if not b then return 0 end
		second, unit = second + b % 128 * unit, unit * 128
		if b < 128 then return second end
	end
	return 0
end
local n, second = 0, tonumber(ARGV[2])
for _, ref in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
	local record = ARGV[6] == '0' and redis.call('GET', ARGV[1] .. ref)
	if not record or created(record) <= second then
		n = n + redis.call('DEL', ARGV[1] .. ref)
		redis.call('ZREM', KEYS[1], ref)
	end
end
redis.call('PUBLISH', ARGV[5], ARGV[4])
local mark = redis.call('GET', KEYS[2])
if mark and (tonumber(mark) or 0) > second then second = tonumber(mark) end
redis.call('SET', KEYS[2], second, 'PX', ARGV[3])
return n
`)

// listScript returns the refs, expiries and records of a person's sessions,
// without replaced ones, and removes refs without a record from the index.
//
// KEYS: index. ARGV: prefix of record keys, now in s.
var listScript = redis.NewScript(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
local out, all = {}, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #all, 2 do
	local record = redis.call('GET', ARGV[1] .. all[i])
	if record and string.sub(record, 1, 1) == 'r' then
		-- Its line's newest session stands for it.
	elseif record and record ~= 'x' then
		out[#out + 1] = all[i]
		out[#out + 1] = all[i + 1]
		out[#out + 1] = record
	else
		redis.call('ZREM', KEYS[1], all[i])
	end
end
return out
`)
