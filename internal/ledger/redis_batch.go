package ledger

import (
	"crypto/rand"
	"strings"
)

// batch is one change: what must still be so, and what shall be.
type batch struct {
	checks, writes []any    // three for each, see writeScript
	steps          []any    // seven for each
	keys           []string // of the steps, after those of the tables
	news, endNews  string   // the announcements: of a person, and of tombstones
	stamp          string   // of every record written
}

func newBatch() *batch { return &batch{stamp: rand.Text()[:stampLength]} }

// expect makes it a condition that a field begins with want, or is not there at all if want is "".
func (b *batch) expect(t Table, field, want string) {
	b.checks = append(b.checks, int(t), field, want)
}

// expectPerson makes it a condition that the record is as it was read.
func (b *batch) expectPerson(s stamped) {
	if s.person != nil {
		b.expect(TablePerson, s.person.ID, s.stamp)
	}
}

// expectName makes it a condition that an openid or a unionid is still whose it was.
func (b *batch) expectName(t Table, name string, s stamped) {
	id := ""
	if s.person != nil {
		id = s.person.ID
	}
	b.expect(t, name, id)
}

func (b *batch) set(t Table, field, value string) {
	b.writes = append(b.writes, int(t), field, value)
}

func (b *batch) remove(t Table, field string) { b.set(t, field, "") }

// end adds a tombstone.
func (b *batch) end(member string, until int64) {
	b.writes = append(b.writes, int(tableEnded), member, until)
}

func (b *batch) put(p *Person) error {
	data, err := EncodePerson(p)
	if err != nil {
		return err
	}
	b.set(TablePerson, p.ID, b.stamp+string(data))
	return nil
}

// index points every name of the person at it.
func (b *batch) index(p *Person) {
	for _, a := range p.Accounts {
		b.set(TableOpenID, string(OpenIDKey(a.AppID, a.OpenID)), p.ID)
	}
	for _, old := range p.Merged {
		b.set(TableAlias, old, p.ID)
	}
	if p.UnionID != "" {
		b.set(TableUnionID, p.UnionID, p.ID)
	}
}

// change writes what a sighting does.
func (b *batch) change(c *Change) error {
	if c.Left != nil {
		if err := b.put(c.Left); err != nil {
			return err
		}
	}
	if err := b.put(&c.Person); err != nil {
		return err
	}
	if c.Gone != "" {
		b.remove(TablePerson, c.Gone)
	}
	if c.News {
		b.index(&c.Person)
	}
	b.announce(c)
	return nil
}

// announce says which ids lead to something else than before: a letter for what changed, the stamp, a colon, the ids.
func (b *batch) announce(c *Change) {
	kind := sayTimes
	if c.News {
		kind = sayNews
	}
	b.news = string(kind) + b.stamp + ":" + strings.Join(c.IDs(), ",")
}
