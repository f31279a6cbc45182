package redisledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

const (
	// verifyStep is how many entries are read from Redis at once.
	verifyStep = 256
	// verifyCall is how many entries one call of Verify reads, at least, if
	// there are so many.
	verifyCall = 1000
	// verifyRounds is how often a person who changes meanwhile is read again.
	verifyRounds = 10
)

// verifiedTables lists the tables in the order in which Verify reads them. Each
// one is named as its key.
var verifiedTables = []string{
	ledger.InPersons, ledger.InOpenIDs, ledger.InUnionIDs, ledger.InAliases, ledger.InSeen, ledger.InNicknames,
}

// verifyPlace is where Verify goes on.
type verifyPlace struct {
	table int    // in verifiedTables
	scan  uint64 // cursor of HSCAN or ZSCAN
}

func (p verifyPlace) String() string {
	return verifiedTables[p.table] + "." + strconv.FormatUint(p.scan, 10)
}

// parsePlace reads a cursor of Verify; "" is the beginning. ErrInvalid.
func parsePlace(s string) (p verifyPlace, err error) {
	if s == "" {
		return p, nil
	}
	table, scan, ok := strings.Cut(s, ".")
	p.table = slices.Index(verifiedTables, table)
	p.scan, err = strconv.ParseUint(scan, 10, 64)
	if !ok || p.table < 0 || err != nil {
		return p, fmt.Errorf("%w: this is no cursor of Verify; begin again without one", ledger.ErrInvalid)
	}
	return p, nil
}

// Verify implements Ledger. What seems wrong is only reported if it is so at
// one moment.
func (l *Ledger) Verify(ctx context.Context, after string) (v ledger.Verification, err error) {
	if err := l.begin(ctx); err != nil {
		return v, err
	}
	defer l.work.Done()
	place, err := parsePlace(after)
	if err != nil {
		return v, err
	}
	if err := l.complete(ctx); err != nil {
		return v, err
	}
	for v.Checked < verifyCall && place.table < len(verifiedTables) {
		if place.scan, err = l.verify(ctx, &v, place); err != nil {
			return ledger.Verification{}, err
		}
		if place.scan == 0 {
			place.table++
		}
	}
	if place.table < len(verifiedTables) {
		v.Next = place.String()
		return v, nil
	}
	return v, l.verifyCount(ctx, &v)
}

// complete returns ErrIndexing until all persons have been indexed.
func (l *Ledger) complete(ctx context.Context) error {
	_, _, err := l.readIndex(ctx, indexRange{index: keySeen, from: "-", to: "+"}, 1)
	return err
}

// verify reads some entries of a table.
func (l *Ledger) verify(ctx context.Context, v *ledger.Verification, p verifyPlace) (next uint64, err error) {
	once, cancel := l.once(ctx)
	defer cancel()
	in := verifiedTables[p.table]
	scan := l.Client.HScan
	if in == ledger.InSeen || in == ledger.InNicknames {
		scan = l.Client.ZScan
	}
	found, next, err := scan(once, l.key(in), p.scan, "", verifyStep).Result()
	if err != nil {
		return 0, l.failed("verifying", err)
	}
	v.Checked += len(found) / 2
	var problems []ledger.Problem
	if in == ledger.InPersons {
		problems, err = l.checkRecords(ctx, found)
	} else {
		problems, err = l.checkNames(ctx, in, found)
	}
	v.Problems = append(v.Problems, problems...)
	return next, err
}

// countsScript answers the number of records, and of entries of seen. KEYS:
// person, seen.
var countsScript = redis.NewScript(`return {redis.call('HLEN', KEYS[1]), redis.call('ZCARD', KEYS[2])}`)

// verifyCount compares the number of records with that of an index.
func (l *Ledger) verifyCount(ctx context.Context, v *ledger.Verification) error {
	once, cancel := l.once(ctx)
	defer cancel()
	n, err := countsScript.Run(once, l.Client, []string{l.key(tableKeys[0]), l.key(keySeen)}).Int64Slice()
	if err != nil || len(n) != 2 {
		return l.failed("verifying", orLength(err))
	}
	if n[0] != n[1] {
		v.Problems = append(v.Problems, ledger.WrongCountOf(ledger.InSeen, int(n[1]), int(n[0])))
	}
	return nil
}
