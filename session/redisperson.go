package session

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"
)

// Info is what an administrator sees of a session. Nothing in it can be used to
// sign in.
type Info struct {
	// ID is the ID that EndID takes: 19 characters. It is not the session's own
	// id.
	ID string

	// Created is when the visitor signed in, Renewed when the session was last
	// written, Expires when it will end without another visit. UTC.
	Created, Renewed, Expires time.Time

	// Site and AppID are the binding of the session; Scope is how the visitor
	// signed in.
	Site, AppID, Scope string
}

// Sessions returns the sessions of a person, at most 1000 (no person has more),
// the newest first, in two calls to Redis. It does not list sealed sessions
// that have not been moved to Redis yet. It fails with ErrUnavailable.
func (r *Redis) Sessions(ctx context.Context, person string) ([]Info, error) {
	if person == "" {
		return nil, nil // guests have no person
	}
	ctx, cancel := r.timeout(ctx)
	defer cancel()
	t := tagOf(person)
	all, err := listScript.Run(ctx, r.Client, []string{r.key("p", t, personRef(person))},
		r.key("s", t, ""), time.Now().Unix()).StringSlice()
	if err != nil {
		return nil, unavailable("listing sessions", err)
	}
	over, err := r.endedLines(ctx, t, all)
	if err != nil {
		return nil, err
	}
	out := make([]Info, 0, len(all)/3)
	for i, row := range slices.Collect(slices.Chunk(all, 3)) {
		if over[i] {
			continue
		}
		expires, err := strconv.ParseInt(row[1], 10, 64)
		if err != nil {
			continue // not our index
		}
		h, _, err := parseHeader(row[2])
		if err != nil {
			continue // not our record: it does not load either
		}
		out = append(out, Info{
			ID: t.String() + row[0], Created: h.created, Renewed: h.renewed,
			Expires: time.Unix(expires, 0).UTC(), Site: h.site, AppID: h.appID, Scope: h.scope,
		})
	}
	slices.SortStableFunc(out, func(a, b Info) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// endedLines reports for each row of a list whether its line has ended: the
// record of an ended line stays until it expires.
func (r *Redis) endedLines(ctx context.Context, t tag, rows []string) ([]bool, error) {
	var keys []string
	for row := range slices.Chunk(rows, 3) {
		line := row[0]
		if h, _, err := parseHeader(row[2]); err == nil && h.line != (ID{}) {
			line = refOf(h.line)
		}
		keys = append(keys, r.key("l", t, line))
	}
	if len(keys) == 0 {
		return nil, nil
	}
	marks, err := r.Client.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, unavailable("listing sessions", err)
	}
	over := make([]bool, len(marks))
	for i, mark := range marks {
		over[i] = mark != nil
	}
	return over, nil
}

// EndPerson ends every session of a person and returns how many were in Redis.
// It also ends sessions that are being saved at this moment, and those that are
// still in sealed cookies: a session created in the second of this call or
// before does not load and cannot be saved. A person whose records were merged
// has sessions under each of the ids; call it for all of them. It fails with
// ErrUnavailable.
func (r *Redis) EndPerson(ctx context.Context, person string) (int, error) {
	return r.endPerson(ctx, person, time.Now(), true)
}

// EndPersonAt is EndPerson for an end that is carried out late: sessions
// created after the second of at live on.
func (r *Redis) EndPersonAt(ctx context.Context, person string, at time.Time) (int, error) {
	return r.endPerson(ctx, person, at, false)
}

func (r *Redis) endPerson(ctx context.Context, person string, at time.Time, all bool) (int, error) {
	if person == "" {
		return 0, nil
	}
	ctx, cancel := r.timeout(ctx)
	defer cancel()
	t, ref := tagOf(person), personRef(person)
	keys := []string{r.key("p", t, ref), r.key("e", t, ref)}
	n, err := endPersonScript.Run(ctx, r.Client, keys,
		r.key("s", t, ""), at.Unix(), r.memory(), "p"+ref, r.Channel(), number(all)).Int()
	if err != nil {
		return 0, unavailable("ending the sessions of a person", err)
	}
	return n, nil
}
