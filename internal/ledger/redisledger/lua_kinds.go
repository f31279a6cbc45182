package redisledger

// luaKinds maintains two indexes by kind, of waiting events and of dead
// letters: they tell how many there are of a kind, and which is the oldest. A
// full queue drops that one, and none of another kind (attack: a visitor's
// flood of declined sign-ins pushes out the notices of revoked and erased
// persons).
//
// An older gateway, which may run beside this one, changes queues without
// changing the indexes. So each index is checked where it is used: a member
// without an event is dropped when it is the oldest of its kind, and while the
// index and its queue differ in size, each write sweeps some members. An event
// that is missing in the index is never dropped. At worst another event of the
// same kind is dropped too early or too late.
//
// A member is the kind, a colon, (for dead letters: the time of the burial in
// 16 digits, and a colon,) the number in 16 digits, a colon, and the id. All
// scores are 0, so that members are in lexical order.
const luaKinds = `
local function kindOf(entry) return string.match(entry, '^{"i":"[^"]*","k":"([^"]*)"', 43) or '' end

local waitingKinds = {of = ORDER, by = KINDS, name = 'waiting', most = maxWaiting}
function waitingKinds.member(k, id, seq)
	local entry = call('HGET', KEYS[k + ENTRY], id)
	return entry and kindOf(entry) .. ':' .. numbered(seq, id)
end
function waitingKinds.stands(k, member)
	local seq, id = string.match(member, '^[^:]*:(%d+):(.*)$')
	return tonumber(call('ZSCORE', KEYS[k + ORDER], id) or -1) == tonumber(seq)
end

local deadKinds = {of = BURIED, by = DEADKINDS, name = 'dead', most = maxDead}
function deadKinds.member(k, m, at)
	local dead = call('HGET', KEYS[k + DEAD], string.sub(m, 18))
	local entry = dead and string.sub(dead, string.find(dead, '\n', 1, true) + 1)
	return entry and kindOf(entry) .. ':' .. string.format('%016d', tonumber(at)) .. ':' .. m
end
function deadKinds.stands(k, member)
	local at, m = string.match(member, '^[^:]*:(%d+):(.*)$')
	return tonumber(call('ZSCORE', KEYS[k + BURIED], m) or -1) == tonumber(at)
end

local function count(index, k, kind)
	return call('ZLEXCOUNT', KEYS[k + index.by], '[' .. kind .. ':', '(' .. kind .. ';')
end
local function surplus(index, k, kind)
	for i = 1, 64 do
		local oldest = call('ZRANGEBYLEX', KEYS[k + index.by], '[' .. kind .. ':', '(' .. kind .. ';', 'LIMIT', 0, 1)[1]
		if not oldest then return end
		if index.stands(k, oldest) then
			return count(index, k, kind) > index.most and oldest
		end
		call('ZREM', KEYS[k + index.by], oldest)
	end
end
local swept = {}
local function sweep(index, k)
	local of, by = KEYS[k + index.of], KEYS[k + index.by]
	local all, listed = call('ZCARD', of), call('ZCARD', by)
	if all == listed or swept[by] then return end
	swept[by] = true
	local from = tonumber(call('HGET', KEYS[k + SWEEP], index.name) or 0)
	if listed < all then
		local found = call('ZRANGE', of, from, from + 63, 'WITHSCORES')
		for i = 1, #found, 2 do
			local member = index.member(k, found[i], found[i + 1])
			if member then call('ZADD', by, 0, member) else call('ZREM', of, found[i]) end
		end
	else
		for _, member in ipairs(call('ZRANGE', by, from, from + 63)) do
			if not index.stands(k, member) then call('ZREM', by, member) end
		end
	end
	from = from + 64
	if from >= math.max(all, listed) then from = 0 end
	call('HSET', KEYS[k + SWEEP], index.name, from)
end
`
