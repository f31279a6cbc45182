package redisledger

import "github.com/caddy-wechat/gateway/internal/ledger"

// luaMoves adds events to a queue, removes them, and turns them into dead
// letters.
const luaMoves = `
local function exhume(k, m, at)
	local member = deadKinds.member(k, m, at)
	if member then call('ZREM', KEYS[k + DEADKINDS], member) end
	call('ZREM', KEYS[k + BURIED], m)
	call('HDEL', KEYS[k + DEAD], string.sub(m, 18))
end
local function forget(k, kind)
	for i = 1, 64 do
		local oldest = call('ZRANGE', KEYS[k + BURIED], 0, 0, 'WITHSCORES')
		if not oldest[1] or tonumber(oldest[2]) > now - deadFor then break end
		exhume(k, oldest[1], oldest[2])
	end
	sweep(deadKinds, k)
	for i = 1, 64 do
		local m = surplus(deadKinds, k, kind)
		if not m then return end
		local at, rest = string.match(m, '^[^:]*:(%d+):(.*)$')
		exhume(k, rest, at)
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
	call('ZREM', KEYS[k + KINDS], kindOf(entry) .. ':' .. numbered(seq, id))
	return seq
end
local function bury(k, id, entry, tried, attempts, reason)
	local seq = remove(k, id, entry)
	call('HSET', KEYS[k + DEAD], id, string.format('%016d %d ', tonumber(seq), now) .. tried .. ' ' .. attempts .. ' ' .. reason .. '\n' .. entry)
	call('ZADD', KEYS[k + BURIED], now, numbered(seq, id))
	call('ZADD', KEYS[k + DEADKINDS], 0, deadKinds.member(k, numbered(seq, id), now))
	forget(k, kindOf(entry))
end
local function insert(k, seq, id, entry)
	local line, kind = string.sub(entry, 16, 42), kindOf(entry)
	change(k, line, function()
		call('HSET', KEYS[k + ENTRY], id, entry)
		call('ZADD', KEYS[k + ORDER], seq, id)
		call('ZADD', KEYS[k + LINE], 0, line .. ':' .. numbered(seq, id))
	end)
	call('ZADD', KEYS[k + KINDS], 0, kind .. ':' .. numbered(seq, id))
	changed = changed + 1
	sweep(waitingKinds, k)
	local m = surplus(waitingKinds, k, kind)
	if m then -- at most one for each event that is added: a longer queue of before is not cut
		local oldest = string.match(m, '^[^:]*:%d+:(.*)$')
		local e = call('HGET', KEYS[k + ENTRY], oldest)
		local _, tried, attempts = state(k, oldest, e)
		bury(k, oldest, e, tried, attempts, '` + ledger.TooMany + `')
	end
	forget(k, kind)
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
