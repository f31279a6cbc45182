package redisledger

// luaErase removes the events of an erased person from a queue, and keeps the
// register of queues: a field of meta for each target, so that an erasure also
// finds the queues of targets that are not configured any more.
//
// Dead letters have no index by line. The caller has looked for them in steps
// (supersede.go) and names those it found; the script itself looks at those
// that were buried since.
const luaErase = `
local function note(k)
	local target = string.match(KEYS[k + ENTRY], '{l}:out:([a-z0-9-]+):entry$')
	if target then call('HSETNX', KEYS[6], 'out:' .. target, '1') end
end
local function stayer(how)
	local keep, unless, accounts = string.match(how, '^([^:]*):([^:]*):(.*)$')
	local kept, unnamed, named = {}, {}, {}
	for kind in string.gmatch(keep, '%S+') do kept[kind] = true end
	for kind in string.gmatch(unless, '%S+') do unnamed[kind] = true end
	for app, openid in string.gmatch(accounts, '(%S+) (%S+)') do named[app .. ' ' .. openid] = true end
	return function(entry)
		local kind = kindOf(entry)
		if kept[kind] or not unnamed[kind] then return kept[kind] end
		local event = cjson.decode(string.sub(entry, 43))
		return event.o and not named[(event.a or '') .. ' ' .. event.o]
	end
end
local expunged = {}
local function expunge(k, lines, dead, since, how)
	local stays, ours, n = stayer(how), {}, 0
	local function drop(m, at)
		local value = call('HGET', KEYS[k + DEAD], string.sub(m, 18))
		local entry = value and string.sub(value, string.find(value, '\n', 1, true) + 1)
		if not entry or not ours[string.sub(entry, 16, 42)] or stays(entry) then return end
		exhume(k, m, at)
		n = n + 1
	end
	for line in string.gmatch(lines, '[^,]+') do
		ours[line] = true
		for _, m in ipairs(call('ZRANGEBYLEX', KEYS[k + LINE], '[' .. line .. ':', '(' .. line .. ';')) do
			local id = string.sub(m, 46)
			local entry = call('HGET', KEYS[k + ENTRY], id)
			if entry and not stays(entry) then
				remove(k, id, entry)
				n = n + 1
			end
		end
	end
	for id in string.gmatch(dead, '[^,]+') do
		local value = call('HGET', KEYS[k + DEAD], id)
		local m = value and string.sub(value, 1, 16) .. ':' .. id
		local at = m and call('ZSCORE', KEYS[k + BURIED], m)
		if at then drop(m, at) end
	end
	local recent = call('ZRANGEBYSCORE', KEYS[k + BURIED], since, '+inf', 'WITHSCORES')
	for i = 1, #recent, 2 do drop(recent[i], recent[i + 1]) end
	expunged[k] = n
end
`
