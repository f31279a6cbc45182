package boltledger

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// verifyStep is how many entries one call of Verify reads.
const verifyStep = 2000

// verified is a table that Verify reads, entry by entry.
type verified struct {
	in    string
	check func(t tables, in string, key, value []byte) []ledger.Problem
}

// verifiedTables lists the tables in the order in which they are read.
var verifiedTables = []verified{
	{ledger.InPersons, tables.checkPerson},
	{ledger.InOpenIDs, tables.checkName},
	{ledger.InUnionIDs, tables.checkName},
	{ledger.InAliases, tables.checkName},
	{ledger.InSeen, tables.checkListed},
	{ledger.InNicknames, tables.checkListed},
}

// in returns the bucket of a table.
func (t tables) in(table string) *bolt.Bucket {
	switch table {
	case ledger.InSeen:
		return t.lists().Bucket(bucketSeen)
	case ledger.InNicknames:
		return t.lists().Bucket(bucketNickname)
	default:
		return t.tx.Bucket([]byte(table))
	}
}

// Verify implements Ledger. Each call reads the file at one moment.
func (l *Ledger) Verify(ctx context.Context, after string) (v ledger.Verification, err error) {
	begin, err := l.cursors.open(after)
	if err != nil {
		return v, err
	}
	place := begin
	err = l.listed(ctx, func(t tables) error {
		v, place = ledger.Verification{}, begin
		for v.Checked < verifyStep && place.table < len(verifiedTables) {
			place = t.verify(&v, place)
		}
		if place.table == len(verifiedTables) {
			v.Problems = append(v.Problems, t.checkCount()...)
		}
		return nil
	})
	if err != nil {
		return ledger.Verification{}, err
	}
	if place.table < len(verifiedTables) {
		v.Next = l.cursors.seal(place)
	}
	return v, nil
}

// verify reads entries of one table, and returns where to go on.
func (t tables) verify(v *ledger.Verification, from verifyPlace) verifyPlace {
	table := verifiedTables[from.table]
	c := t.in(table.in).Cursor()
	for key, value := seekBehind(c, from.key); key != nil; key, value = c.Next() {
		if v.Checked == verifyStep {
			return from
		}
		v.Checked++
		v.Problems = append(v.Problems, table.check(t, table.in, key, value)...)
		from.key = string(key)
	}
	return verifyPlace{table: from.table + 1}
}

// checkPerson checks a record, and that the person stands where its names say.
func (t tables) checkPerson(_ string, key, value []byte) []ledger.Problem {
	p, err := ledger.DecodePerson(value)
	all := ledger.RecordProblems(string(key), &p, err)
	if err != nil || p.ID != string(key) {
		return all
	}
	for _, e := range p.Entries() {
		if !t.stands(&e, p.ID) {
			all = append(all, e.Missing(p.ID))
		}
	}
	return all
}

// stands reports whether an entry leads to a person.
func (t tables) stands(e *ledger.Entry, id string) bool {
	b := t.in(e.In)
	if e.Points {
		return string(b.Get([]byte(e.Key))) == id
	}
	return has(b, e.Key)
}

// checkName checks an entry of openid, unionid or alias.
func (t tables) checkName(in string, key, value []byte) (all []ledger.Problem) {
	if in == ledger.InAliases && t.tx.Bucket(bucketPerson).Get(key) != nil {
		all = append(all, ledger.DoubleID(string(key)))
	}
	return append(all, t.leads(in, key, string(value))...)
}

// checkListed checks an entry of an index of lists.
func (t tables) checkListed(in string, key, _ []byte) []ledger.Problem {
	return t.leads(in, key, ledger.ListedID(string(key)))
}

// leads checks that an entry leads to a person who stands there. A record that
// cannot be read was reported with its own table.
func (t tables) leads(in string, key []byte, id string) []ledger.Problem {
	data := t.tx.Bucket(bucketPerson).Get([]byte(id))
	if data == nil {
		return []ledger.Problem{ledger.Astray(in, string(key), id, false)}
	}
	if p, err := ledger.DecodePerson(data); err == nil && (p.ID != id || !p.Stands(in, string(key))) {
		return []ledger.Problem{ledger.Astray(in, string(key), id, true)}
	}
	return nil
}

// checkCount compares the stored number of persons with the records.
func (t tables) checkCount() []ledger.Problem {
	n := 0
	c := t.tx.Bucket(bucketPerson).Cursor()
	for key, _ := c.First(); key != nil; key, _ = c.Next() {
		n++
	}
	if stored := t.counted(); stored != n {
		return []ledger.Problem{ledger.WrongCountOf(ledger.InPersons, stored, n)}
	}
	return nil
}
