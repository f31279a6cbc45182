package redisledger

// luaSteps holds the steps that a batch can do beside its writes.
const luaSteps = `
local steps = {expunge = expunge, note = note}
function steps.leave(k, id, entry)
	if expunged[k] > 0 then insert(k, call('HINCRBY', KEYS[6], 'told', 1), id, entry) end
end
function steps.noted()
	call('HSET', KEYS[6], 'outs', '1')
end
function steps.expire(k)
	for i = 1, 64 do
		local oldest = call('ZRANGE', KEYS[k + BURIED], 0, 0, 'WITHSCORES')
		if not oldest[1] or tonumber(oldest[2]) > now - deadFor then return end
		exhume(k, oldest[1], oldest[2])
		changed = changed + 1
	end
end
function steps.add(k, id, entry, aliases)
	if call('HEXISTS', KEYS[k + ENTRY], id) == 1 or call('HEXISTS', KEYS[k + DEAD], id) == 1 then return end
	local line = string.sub(entry, 16, 42)
	for alias in string.gmatch(aliases, '[^,]+') do join(k, alias, line) end
	note(k)
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
	surplus(waitingKinds, k, kindOf(entry)) -- drops old members without an event
	if count(waitingKinds, k, kindOf(entry)) >= maxWaiting then return end -- its kind is full
	exhume(k, seq .. ':' .. id, at)
	insert(k, tonumber(seq), id, string.format('%015d', now) .. string.sub(entry, 16))
end
function steps.purge(k, id)
	local dead = call('HGET', KEYS[k + DEAD], id)
	if not dead then return end
	local m = string.sub(dead, 1, 16) .. ':' .. id
	local at = call('ZSCORE', KEYS[k + BURIED], m)
	if not at then return end
	exhume(k, m, at)
	if tonumber(at) > now - deadFor then changed = changed + 1 end
end
function steps.lease(k, owner, ttl)
	local is = redis.pcall('GET', KEYS[k])
	if is and is ~= owner and ours(k, ttl) then return -3 end
	call('SET', KEYS[k], owner, 'PX', ttl)
end
function steps.release(k, owner)
	if call('GET', KEYS[k]) == owner then call('DEL', KEYS[k]) end
end
function steps.once(k, stamp, ttl)
	call('SET', KEYS[k], stamp, 'PX', ttl)
end
function steps.tally(k, ttl)
	call('SET', KEYS[k], changed, 'PX', ttl)
end
`
