package redisledger

import (
	"crypto/rand"
	"strings"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// batch is one change: its conditions, and its writes.
type batch struct {
	checks, writes []any    // three values each, see writeScript
	steps          []any    // seven values each
	keys           []string // of the steps, after those of the tables
	news, endNews  string   // the announcements: of a person, and of tombstones
	stamp          string   // in every record written
	bans           string   // the stamp of the bans on which a change of bans builds
	changed        []string // ids of the bans that change

	before map[string]stamped        // the records that are as they were read, by id
	after  map[string]*ledger.Person // the records that are written, by id; nil for one that is removed
	listed map[string]bool           // ids of records without entries of before, see stampOf
}

func newBatch() *batch {
	return &batch{
		stamp:  ledger.ListsVersion + rand.Text()[:stampLength-len(ledger.ListsVersion)],
		before: map[string]stamped{}, after: map[string]*ledger.Person{},
	}
}

// expect adds the condition that a field begins with want, or does not exist if
// want is "".
func (b *batch) expect(t ledger.Table, field, want string) {
	b.checks = append(b.checks, int(t), field, want)
}

// expectPerson adds the condition that the record is as it was read. A batch
// that replaces or removes a record must expect it: otherwise the entries of
// the record in the indexes of lists would stay.
func (b *batch) expectPerson(s stamped) {
	if s.person != nil {
		b.expect(ledger.TablePerson, s.person.ID, s.stamp)
		b.before[s.person.ID] = s
	}
}

// expectName adds the condition that an openid or a unionid still belongs to
// the person it belonged to.
func (b *batch) expectName(t ledger.Table, name string, s stamped) {
	id := ""
	if s.person != nil {
		id = s.person.ID
	}
	b.expect(t, name, id)
}

func (b *batch) set(t ledger.Table, field, value string) {
	b.writes = append(b.writes, int(t), field, value)
}

func (b *batch) remove(t ledger.Table, field string) {
	b.set(t, field, "")
	if _, known := b.before[field]; known && t == ledger.TablePerson {
		b.after[field] = nil
	}
}

// end adds a tombstone.
func (b *batch) end(member string, until int64) {
	b.writes = append(b.writes, int(tableEnded), member, until)
}

func (b *batch) put(p *ledger.Person) error {
	data, err := ledger.EncodePerson(p)
	if err != nil {
		return err
	}
	b.set(ledger.TablePerson, p.ID, b.stampOf(p.ID)+string(data))
	b.after[p.ID] = p
	return nil
}

// index points every name of the person at it.
func (b *batch) index(p *ledger.Person) {
	for _, a := range p.Accounts {
		b.set(ledger.TableOpenID, string(ledger.OpenIDKey(a.AppID, a.OpenID)), p.ID)
	}
	for _, old := range p.Merged {
		b.set(ledger.TableAlias, old, p.ID)
	}
	if p.UnionID != "" {
		b.set(ledger.TableUnionID, p.UnionID, p.ID)
	}
}

// change adds the writes of a change by an observation.
func (b *batch) change(c *ledger.Change) error {
	if c.Left != nil {
		if err := b.put(c.Left); err != nil {
			return err
		}
	}
	if err := b.put(&c.Person); err != nil {
		return err
	}
	if c.Gone != "" {
		b.remove(ledger.TablePerson, c.Gone)
	}
	if c.News {
		b.index(&c.Person)
	}
	b.announce(c)
	return nil
}

// announce announces the ids that lead to something else than before: a letter
// for what changed, the stamp, a colon, the ids.
func (b *batch) announce(c *ledger.Change) {
	kind := sayTimes
	if c.News {
		kind = sayNews
	}
	b.news = string(kind) + b.stamp + ":" + strings.Join(c.IDs(), ",")
}
