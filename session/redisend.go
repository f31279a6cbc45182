package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// End removes the session. See Store.
func (r *Redis) End(ctx context.Context, s *Session) error {
	_, err := r.end(ctx, newPlace(s), s.origin != fromRedis)
	return err
}

// end removes the record at a place and ends its line. If a sealed copy of the
// session may exist, a tombstone takes the record's place: otherwise the copy
// would still sign in.
func (r *Redis) end(ctx context.Context, p place, sealed bool) (existed bool, err error) {
	ctx, cancel := r.timeout(ctx)
	defer cancel()
	keys := []string{r.key("s", p.tag, p.ref), r.key("p", p.tag, p.person), r.key("l", p.tag, p.line)}
	n, err := endScript.Run(ctx, r.Client, keys, p.name(), p.ref, number(sealed), r.memory(), r.Channel(), p.lineName()).Int()
	if err != nil {
		return false, unavailable("ending a session", err)
	}
	return n == 1, nil
}

// Replace marks the session as replaced. See Store.
func (r *Redis) Replace(ctx context.Context, s *Session) error {
	ctx, cancel := r.timeout(ctx)
	defer cancel()
	p, leaves := newPlace(s), time.Now().Add(Linger).UnixMilli()
	err := replaceScript.Run(ctx, r.Client, []string{r.key("s", p.tag, p.ref)},
		fmt.Sprintf("%0*d", leavesDigits, leaves), number(s.origin != fromRedis), r.memory(), p.name(), r.Channel()).Err()
	if err != nil {
		return unavailable("replacing a session", err)
	}
	return nil
}

// number returns a bool as scripts read it.
func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// EndID ends the session that Sessions listed under this ID, and its line, and
// reports whether there was one. It fails with ErrInvalid if the text is not
// such an ID, and with ErrUnavailable.
func (r *Redis) EndID(ctx context.Context, id string) (bool, error) {
	raw, err := base64url.DecodeString(id[:min(3, len(id))])
	if err != nil || len(id) != 3+16 || len(raw) != 2 || !safeText(id) {
		return false, fmt.Errorf("%w session id: it has 19 characters of A-Z a-z 0-9 - _", ErrInvalid)
	}
	// The person, and so the index, is not known; a ref without a record is
	// removed from the index when it is next listed, or expires.
	p := place{tag: tag(raw), ref: id[3:]}
	if p.line, err = r.lineOf(ctx, p); err != nil {
		return false, err
	}
	return r.end(ctx, p, false)
}

// lineOf reads the line of the session at a place, "" if there is none.
func (r *Redis) lineOf(ctx context.Context, p place) (ref string, err error) {
	ctx, cancel := r.timeout(ctx)
	defer cancel()
	record, err := r.Client.Get(ctx, r.key("s", p.tag, p.ref)).Result()
	if errors.Is(err, redis.Nil) || record == tombstone {
		return "", nil
	}
	if err != nil {
		return "", unavailable("reading a session", err)
	}
	record, _, err = cutReplaced(record)
	if err != nil {
		return "", nil // not our record: it does not load either
	}
	h, _, err := parseHeader(record)
	switch {
	case err != nil, h.flags&recordGuest != 0:
		return "", nil // not our record; and a guest has no line
	case h.line == ID{}:
		return p.ref, nil
	default:
		return refOf(h.line), nil
	}
}
