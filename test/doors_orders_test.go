package test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// orders are all orders of a list.
func orders(list []string) [][]string {
	if len(list) < 2 {
		return [][]string{slices.Clone(list)}
	}
	var all [][]string
	for i, first := range list {
		rest := slices.Delete(slices.Clone(list), i, i+1)
		for _, order := range orders(rest) {
			all = append(all, append([]string{first}, order...))
		}
	}
	return all
}

// crowd runs f for 0 … n-1, so many at once, and reports what goes wrong.
func crowd(t *testing.T, n, atOnce int, f func(i int) error) {
	t.Helper()
	var group sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i := range n {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			if err := f(i); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// traveller is one person on the way through all doors in one order.
type traveller struct {
	person string
	order  []string
	guests []*guest // every client that has come in
}

func (tr *traveller) enters(d *doorWorld, doors []string) error {
	for _, door := range doors {
		g := d.guest(tr.person, door)
		if err := g.enters(); err != nil {
			return fmt.Errorf("order %v: %w", tr.order, err)
		}
		tr.guests = append(tr.guests, g)
	}
	return nil
}

// isOne checks that all clients of the traveller are one person to the app.
func (tr *traveller) isOne() error {
	user := ""
	for _, g := range tr.guests {
		told, err := g.who()
		if err != nil {
			return fmt.Errorf("order %v: %w", tr.order, err)
		}
		if user == "" {
			user = told["X-Wechat-User"]
		}
		for header, want := range g.expected(user) {
			if told[header] != want || len(user) != 26 {
				return fmt.Errorf("order %v: %s at the %s: %s %q, want %q", tr.order, tr.person, g.door, header, told[header], want)
			}
		}
	}
	return nil
}

// One person comes by all four doors, in every order, while the accounts are
// bound to the Open Platform from the start, or after the first, second, third
// or fourth door: then each comes again. It ends as one record, and clients
// that came in before are the same person as those after.
func TestFourDoorsInEveryOrderAreOnePerson(t *testing.T) {
	for _, redis := range []bool{false, true} {
		t.Run(storeName(redis), func(t *testing.T) {
			d := newDoorWorld(t, doorOptions{redis: redis, official: "follower_unionid on"})
			all := orders(doors)
			if len(all) != 24 {
				t.Fatalf("%d orders", len(all))
			}
			var travellers []*traveller
			for before := range len(doors) + 1 {
				var now []*traveller
				for i, order := range all {
					now = append(now, &traveller{person: d.person(fmt.Sprintf("order %d, bound after %d", i, before)), order: order})
				}
				if before > 0 {
					d.bind("")
				}
				crowd(t, len(now), 8, func(i int) error { return now[i].enters(d, now[i].order[:before]) })
				d.bind("open")
				crowd(t, len(now), 8, func(i int) error {
					if err := now[i].enters(d, now[i].order[before:]); err != nil {
						return err
					}
					return now[i].enters(d, now[i].order[:before]) // again: now there is a unionid
				})
				travellers = append(travellers, now...)
			}
			crowd(t, len(travellers), 8, func(i int) error { return travellers[i].isOne() })
			d.checkLedger(travellers)
		})
	}
}

func storeName(redis bool) string {
	if redis {
		return "redis"
	}
	return "bolt"
}

// checkLedger checks that there is one record for each of these persons, with
// four openids, and none besides.
func (d *doorWorld) checkLedger(travellers []*traveller) {
	d.t.Helper()
	records := map[string]ledgerPerson{}
	for _, p := range d.ledgerLines() {
		if _, twice := records[p.UnionID]; twice {
			d.t.Errorf("two records of the unionid %q", p.UnionID)
		}
		records[p.UnionID] = p
	}
	if len(records) != len(travellers) {
		d.t.Errorf("%d records of %d persons", len(records), len(travellers))
	}
	for _, tr := range travellers {
		p := records[d.wechat.UnionID(tr.person, appID)]
		var has []string
		for _, a := range p.Accounts {
			has = append(has, a.AppID+" "+a.OpenID)
		}
		var want []string
		for _, app := range []string{appID, miniAppID, mobileAppID, websiteAppID} {
			want = append(want, app+" "+d.wechat.OpenID(tr.person, app))
		}
		slices.Sort(has)
		slices.Sort(want)
		if !slices.Equal(has, want) {
			d.t.Errorf("%s is known by\n%s\nwant\n%s", tr.person, strings.Join(has, "\n"), strings.Join(want, "\n"))
		}
	}
}

// Five hundred persons at once, each by all four doors, one after the other, in
// one of the orders; and then fifty whose four doors open in the same moment.
func TestFiveHundredPersonsAtOnce(t *testing.T) {
	const persons, hasty = 500, 50
	for _, redis := range []bool{false, true} {
		t.Run(storeName(redis), func(t *testing.T) {
			d := newDoorWorld(t, doorOptions{redis: redis})
			all := orders(doors)
			travellers := make([]*traveller, persons+hasty)
			for i := range travellers {
				travellers[i] = &traveller{person: d.person(fmt.Sprintf("person %d", i)), order: all[i%len(all)]}
			}
			crowd(t, persons, persons, func(i int) error { return travellers[i].enters(d, travellers[i].order) })
			t.Logf("%d of %d sign-ins were told to come again", d.waited.Load(), persons*len(doors))
			late := travellers[persons:]
			for _, tr := range late {
				tr.order = []string{"all at once"}
				for _, door := range doors {
					tr.guests = append(tr.guests, d.guest(tr.person, door))
				}
			}
			crowd(t, hasty*len(doors), hasty*len(doors), func(i int) error { return late[i/len(doors)].guests[i%len(doors)].enters() })
			crowd(t, len(travellers), 16, func(i int) error { return travellers[i].isOne() })
			d.checkLedger(travellers)
		})
	}
}
