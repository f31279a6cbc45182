package redisledger

import (
	"context"
	"strconv"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// strays is how many entries that lead nowhere one call skips, at most, for
// each person that it may return.
const strays = 8

// indexRange is a range of entries of an index. from and to are as ZRANGEBYLEX
// has them.
type indexRange struct {
	index, from, to string
	back            bool // in descending order
	count           bool
}

// indexed is an entry of an index.
type indexed struct {
	entry  string
	person *ledger.Person // nil if no person stands there, or the record cannot be read
}

// List implements Ledger.
func (l *Ledger) List(ctx context.Context, after string, limit int) (some []ledger.Person, next string, err error) {
	if err := ledger.CheckListCursor(after); err != nil {
		return nil, "", err
	}
	r := indexRange{index: keySeen, from: "-", to: "+", back: true}
	if after != "" {
		r.to = "(" + after
	}
	return l.some(ctx, r, ledger.ClampList(limit))
}

// FindNickname implements Ledger.
func (l *Ledger) FindNickname(ctx context.Context, prefix string, limit int) ([]ledger.Person, error) {
	prefix, err := ledger.NicknamePrefix(prefix)
	if err != nil {
		return nil, err
	}
	r := indexRange{index: keyNickname, from: "[" + prefix, to: "(" + prefix + "\xff"} // no UTF-8 contains this byte
	some, _, err := l.some(ctx, r, ledger.ClampList(limit))
	return some, err
}

// some returns the first persons of a range, and the last entry that was read,
// "" if there are no more.
func (l *Ledger) some(ctx context.Context, r indexRange, limit int) (some []ledger.Person, last string, err error) {
	for looked := 0; looked < strays*limit; {
		want := limit - len(some)
		found, _, err := l.readIndex(ctx, r, want)
		if err != nil {
			return nil, "", err
		}
		for _, e := range found {
			if e.person != nil {
				some = append(some, *e.person)
			}
			last = e.entry
		}
		if len(found) < want {
			return some, "", nil
		}
		if len(some) == limit {
			break
		}
		looked += len(found)
		if r.back {
			r.to = "(" + last
		} else {
			r.from = "(" + last
		}
	}
	return some, last, nil
}

// Inactive implements Ledger.
func (l *Ledger) Inactive(ctx context.Context, before time.Time, limit int) (found ledger.Inactivity, err error) {
	limit = ledger.ClampInactive(limit)
	r := indexRange{index: keySeen, from: "-", to: "(" + ledger.SeenBound(before), count: true}
	first, n, err := l.readIndex(ctx, r, 1)
	if err != nil || len(first) == 0 {
		return found, err
	}
	found.Persons, found.Oldest = n, ledger.SeenAt(first[0].entry)
	if limit == 0 {
		return found, nil
	}
	r.count = false
	found.Some, _, err = l.some(ctx, r, limit)
	return found, err
}

// EraseInactive implements Ledger.
func (l *Ledger) EraseInactive(ctx context.Context, id string, before time.Time) (erased bool, err error) {
	return l.eraseIf(ctx, id, func(p *ledger.Person) bool { return p.LastSeen.Before(before) })
}

// readIndex reads entries of a range with their persons, and the number of all if
// it was asked for.
func (l *Ledger) readIndex(ctx context.Context, r indexRange, limit int) (all []indexed, n int, err error) {
	if err := l.begin(ctx); err != nil {
		return nil, 0, err
	}
	defer l.work.Done()
	once, cancel := l.once(ctx)
	defer cancel()
	order, counting := "", ""
	if r.back {
		order = "back"
	}
	if r.count {
		counting = "count"
	}
	keys := []string{l.key(tableKeys[0]), l.key(r.index), l.key("meta")}
	got, err := listScript.Run(once, l.Client, keys, ledger.ListsVersion, limit, order, r.from, r.to, counting).StringSlice()
	l.answer(err)
	if err != nil {
		return nil, 0, l.failed("listing", err)
	}
	if len(got) < 3 || len(got)%2 == 0 {
		return nil, 0, ledger.Corrupt("%d answers to a list", len(got))
	}
	if err := checkSchema(got[0]); err != nil {
		return nil, 0, err
	}
	if got[1] != ledger.ListsVersion {
		if got[1] == "" { // not while a newer gateway's are built
			l.missIndex()
		}
		return nil, 0, ledger.ErrIndexing
	}
	if n, err = strconv.Atoi(got[2]); err != nil {
		return nil, 0, l.failed("listing", err)
	}
	for i := 3; i < len(got); i += 2 {
		all = append(all, indexed{got[i], standing(r.index, got[i], got[i+1])})
	}
	return all, n, nil
}

// standing returns the person of an entry. It returns nil for an entry that
// leads to no person who stands there, or to a record that cannot be read: one
// of them must not hide all others. Verify reports them.
func standing(index, entry, value string) *ledger.Person {
	s, err := unstamp(ledger.ListedID(entry), value, func(p *ledger.Person) bool { return p.Stands(index, entry) })
	if err != nil {
		return nil
	}
	return s.person
}
