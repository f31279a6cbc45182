package redisledger

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// standsScript tells which entries of persons are missing. KEYS: those of
// verifiedTables. ARGV for each person: the id, the number of entries, and for
// each of them the number of its table and its key. It answers for each person
// the stamp of the record now, and the numbers of the entries that are missing.
var standsScript = redis.NewScript(`
local i, out = 1, {}
while i <= #ARGV do
	local id, n, missing = ARGV[i], tonumber(ARGV[i + 1]), {}
	for j = 0, n - 1 do
		local t, key, stands = tonumber(ARGV[i + 2 + 2 * j]), ARGV[i + 3 + 2 * j], false
		if t >= 5 then
			stands = redis.call('ZSCORE', KEYS[t], key)
		else
			stands = redis.call('HGET', KEYS[t], key) == id
		end
		if not stands then missing[#missing + 1] = tostring(j) end
	end
	out[#out + 1] = string.sub(redis.call('HGET', KEYS[1], id) or '', 1, ` + strconv.Itoa(stampLength) + `)
	out[#out + 1] = table.concat(missing, ',')
	i = i + 2 + 2 * n
end
return out
`)

// leadsScript reads entries again, with the persons to whom they lead. KEYS:
// person, a table. ARGV: "index" for a sorted set, else "", and the entries. It
// answers three values each: the person's id, "" if the entry is gone; the
// person's value; and "double" if the entry is also the id of a person.
var leadsScript = redis.NewScript(`
local out = {}
for i = 2, #ARGV do
	local entry, id = ARGV[i], ''
	if ARGV[1] == 'index' then
		if redis.call('ZSCORE', KEYS[2], entry) then id = string.sub(entry, -` + idLength + `) end
	else
		id = redis.call('HGET', KEYS[2], entry) or ''
	end
	out[#out + 1] = id
	out[#out + 1] = redis.call('HGET', KEYS[1], id) or ''
	out[#out + 1] = redis.call('HEXISTS', KEYS[1], entry) == 1 and 'double' or ''
end
return out
`)

// checkRecords checks records, given as id and value.
func (l *Ledger) checkRecords(ctx context.Context, found []string) (all []ledger.Problem, err error) {
	var sound []stamped
	for i := 0; i+1 < len(found); i += 2 {
		s, problems := readRecord(found[i], found[i+1])
		if s.person != nil {
			sound = append(sound, s)
		}
		all = append(all, problems...)
	}
	for round := 0; len(sound) > 0 && round < verifyRounds; round++ {
		problems, changed, err := l.checkStands(ctx, sound)
		if err != nil {
			return nil, err
		}
		all = append(all, problems...)
		if sound, err = l.again(ctx, changed); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// readRecord decodes a record. person is nil if its names cannot be followed.
func readRecord(key, value string) (stamped, []ledger.Problem) {
	if len(value) < stampLength {
		return stamped{}, ledger.RecordProblems(key, nil, ledger.Corrupt("a record without a stamp"))
	}
	p, err := ledger.DecodePerson([]byte(value[stampLength:]))
	problems := ledger.RecordProblems(key, &p, err)
	if err != nil || p.ID != key {
		return stamped{}, problems
	}
	return stamped{&p, value[:stampLength]}, problems
}

// checkStands reports the entries that are missing. changed are the ids of the
// persons whose record is not the one that was read.
func (l *Ledger) checkStands(ctx context.Context, some []stamped) (all []ledger.Problem, changed []string, err error) {
	once, cancel := l.once(ctx)
	defer cancel()
	var keys []string
	for _, table := range verifiedTables {
		keys = append(keys, l.key(table))
	}
	var args []any
	for _, s := range some {
		entries := s.person.Entries()
		args = append(args, s.person.ID, len(entries))
		for _, e := range entries {
			args = append(args, slices.Index(verifiedTables, e.In)+1, e.Key)
		}
	}
	got, err := standsScript.Run(once, l.Client, keys, args...).StringSlice()
	if err != nil || len(got) != 2*len(some) {
		return nil, nil, l.failed("verifying", orLength(err))
	}
	for i, s := range some {
		if got[2*i] != s.stamp {
			changed = append(changed, s.person.ID)
			continue
		}
		entries := s.person.Entries()
		for number := range strings.FieldsFuncSeq(got[2*i+1], func(r rune) bool { return r == ',' }) {
			if j, err := strconv.Atoi(number); err == nil && j < len(entries) {
				all = append(all, entries[j].Missing(s.person.ID))
			}
		}
	}
	return all, changed, nil
}

// again reads records anew. Persons who are gone are left out.
func (l *Ledger) again(ctx context.Context, ids []string) (some []stamped, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	once, cancel := l.once(ctx)
	defer cancel()
	values, err := l.Client.HMGet(once, l.key(tableKeys[0]), ids...).Result()
	if err != nil {
		return nil, l.failed("verifying", err)
	}
	for i, value := range values {
		if text, ok := value.(string); ok && i < len(ids) {
			if s, _ := readRecord(ids[i], text); s.person != nil {
				some = append(some, s)
			}
		}
	}
	return some, nil
}

// checkNames checks that entries lead to persons who stand there. found has two
// values each, the entry first.
func (l *Ledger) checkNames(ctx context.Context, in string, found []string) (all []ledger.Problem, err error) {
	kind := ""
	if in == ledger.InSeen || in == ledger.InNicknames {
		kind = "index"
	}
	args := []any{kind}
	for i := 0; i < len(found); i += 2 {
		args = append(args, found[i])
	}
	once, cancel := l.once(ctx)
	defer cancel()
	got, err := leadsScript.Run(once, l.Client, []string{l.key(tableKeys[0]), l.key(in)}, args...).StringSlice()
	if err != nil || len(got) != 3*(len(args)-1) {
		return nil, l.failed("verifying", orLength(err))
	}
	for i := range len(args) - 1 {
		entry, id, value := found[2*i], got[3*i], got[3*i+1]
		if in == ledger.InAliases && got[3*i+2] != "" && id != "" {
			all = append(all, ledger.DoubleID(entry))
		}
		if id == "" {
			continue // gone meanwhile
		}
		if value == "" {
			all = append(all, ledger.Astray(in, entry, id, false))
		} else if s, _ := readRecord(id, value); s.person != nil && !s.person.Stands(in, entry) {
			all = append(all, ledger.Astray(in, entry, id, true))
		}
	}
	return all, nil
}

// orLength returns an error, that of a wrong length if there is no other.
func orLength(err error) error {
	if err == nil {
		return errAnswer
	}
	return err
}

// errAnswer: Redis answered something else than the script.
var errAnswer = errors.New("an answer of another length")
