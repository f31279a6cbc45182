package ledger

import (
	"fmt"
	"slices"
	"strings"
)

// Verification is the result of one call of Verify.
type Verification struct {
	Checked  int       // entries of tables that were read
	Problems []Problem // what is wrong in them
	Next     string    // the cursor of the next part, "" if this was the last
}

// ProblemKind says what is wrong.
type ProblemKind string

// The kinds of problems.
const (
	// Unreadable: a record or an entry cannot be decoded.
	Unreadable ProblemKind = "unreadable"
	// Impossible: a record can be decoded, and holds what no gateway writes,
	// such as two openids of one app id.
	Impossible ProblemKind = "impossible"
	// DuplicateID: an id leads to two persons: two records have it, or it is a
	// person's own and also one that was merged.
	DuplicateID ProblemKind = "duplicate_id"
	// NameMissing: a person has a name that does not lead back.
	NameMissing ProblemKind = "name_missing"
	// NameAstray: a name leads to no person.
	NameAstray ProblemKind = "name_astray"
	// NameOfAnother: a name leads to a person who does not have it.
	NameOfAnother ProblemKind = "name_of_another"
	// WrongCount: the number of persons that is stored, or that of an index, is
	// not the number of records.
	WrongCount ProblemKind = "wrong_count"
)

// Problem is one contradiction in a ledger. It holds no openid, unionid or
// nickname.
type Problem struct {
	Kind ProblemKind
	// In is the table: person, openid, unionid, alias, seen or nickname.
	In string
	// Person is the id of the person it is about, or of the one to whom a name
	// leads; "" if that is unknown.
	Person string
	// Detail says more, such as the app id of an openid.
	Detail string
}

// The tables' names, for problems.
const (
	InPersons   = "person"
	InOpenIDs   = "openid"
	InUnionIDs  = "unionid"
	InAliases   = "alias"
	InSeen      = "seen"
	InNicknames = "nickname"
)

// Entry is where a person must stand: under Key in a table. If Points, the
// value there is the person's id, otherwise the entry has no value.
type Entry struct {
	In     string
	Key    string
	Points bool
}

// Entries lists every place in which a person must stand.
func (p *Person) Entries() []Entry {
	var all []Entry
	for _, a := range p.Accounts {
		all = append(all, Entry{InOpenIDs, string(OpenIDKey(a.AppID, a.OpenID)), true})
	}
	for _, id := range p.Merged {
		all = append(all, Entry{InAliases, id, true})
	}
	if p.UnionID != "" {
		all = append(all, Entry{InUnionIDs, p.UnionID, true})
	}
	l := p.Listing()
	all = append(all, Entry{In: InSeen, Key: l.Seen})
	if l.Nickname != "" {
		all = append(all, Entry{In: InNicknames, Key: l.Nickname})
	}
	return all
}

// Stands reports whether the person must stand at an entry.
func (p *Person) Stands(in, key string) bool {
	switch in {
	case InOpenIDs:
		appID, openID, _ := strings.Cut(key, "\x00")
		return p.Holds(appID, openID)
	case InUnionIDs:
		return p.UnionID == key
	case InAliases:
		return slices.Contains(p.Merged, key)
	case InSeen:
		return p.Listing().Seen == key
	default:
		return p.Listing().Nickname == key
	}
}

// Missing is the problem of a person who does not stand at an entry.
func (e *Entry) Missing(person string) Problem {
	return Problem{Kind: NameMissing, In: e.In, Person: person, Detail: detail(e.In, e.Key)}
}

// Astray is the problem of an entry that leads to no person, or to a person who
// does not stand there.
func Astray(in, key, person string, exists bool) Problem {
	kind := NameAstray
	if exists {
		kind = NameOfAnother
	}
	if !ValidID(person) {
		person = ""
	}
	return Problem{Kind: kind, In: in, Person: person, Detail: detail(in, key)}
}

// detail returns the app id of an openid's key, which is not personal data, and
// nothing of other keys.
func detail(in, key string) string {
	if in != InOpenIDs {
		return ""
	}
	if appID, _, ok := strings.Cut(key, "\x00"); ok && Identifier(appID) {
		return appID
	}
	return ""
}

// RecordProblems reports what is wrong in a record alone, that stands under a
// key. p is what was decoded, nil if err says why it could not be.
func RecordProblems(key string, p *Person, err error) []Problem {
	known := key
	if !ValidID(key) {
		known = ""
	}
	switch {
	case err != nil:
		return []Problem{{Kind: Unreadable, In: InPersons, Person: known, Detail: reason(err)}}
	case p.ID != key:
		return []Problem{{Kind: DuplicateID, In: InPersons, Person: p.ID, Detail: "a record with this id stands under another id"}}
	}
	if fault := p.fault(); fault != "" {
		return []Problem{{Kind: Impossible, In: InPersons, Person: known, Detail: "bad " + fault}}
	}
	return nil
}

// DoubleID is the problem of an id that is a person's own and a merged one.
func DoubleID(id string) Problem {
	return Problem{Kind: DuplicateID, In: InAliases, Person: id, Detail: "a person has this id, and it was merged into another"}
}

// WrongCountOf is the problem of a number that is not the number of records.
func WrongCountOf(in string, stored, records int) Problem {
	return Problem{Kind: WrongCount, In: in, Detail: fmt.Sprintf("%d instead of %d", stored, records)}
}

// reason returns the text of ErrCorrupt, which never quotes a record.
func reason(err error) string { return strings.TrimPrefix(err.Error(), ErrCorrupt.Error()+": ") }
