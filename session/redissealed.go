package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// origin says how a session in Redis relates to a sealed cookie.
type origin uint8

const (
	// fromRedis: not at all. This is also the zero value, for all other stores.
	fromRedis origin = iota

	// fromSealed: it was loaded from a sealed cookie and must move to Redis.
	// Policy.Due asks for a renewal at once, which returns the new value.
	fromSealed

	// movedHere: it is in Redis now, and a sealed cookie of it may exist.
	movedHere

	// movedOther: it was loaded from a sealed cookie, but another sealed cookie
	// of the same session has moved. Writing now would log that one out.
	movedOther
)

// loadSealed loads a sealed value, as Sealed would, and marks the session as
// due for its move to Redis. It asks Redis whether the session has ended.
func (r *Redis) loadSealed(ctx context.Context, value string, b Binding) (*Session, error) {
	s, err := r.Sealed.Load(ctx, value, b)
	if err != nil {
		return nil, err
	}
	ctx, cancel := r.timeout(ctx)
	defer cancel()
	p := newPlace(s)
	got, err := r.Client.MGet(ctx, r.key("s", p.tag, p.ref), r.key("e", p.tag, p.person), r.key("l", p.tag, p.line)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, unavailable("loading a sealed session", err)
	}
	record, _ := got[0].(string)
	if _, over := got[2].(string); over || record == tombstone {
		return nil, ErrEnded
	}
	if mark, ok := got[1].(string); ok && s.Person != "" {
		if second, err := strconv.ParseInt(mark, 10, 64); err != nil || s.Created.Unix() <= second {
			return nil, ErrEnded
		}
	}
	s.secret, s.origin = upgradeSecret(value), fromSealed
	if record, s.leaves, err = cutReplaced(record); err != nil {
		return nil, err
	}
	// It was moved, and the response with the new cookie is on its way or lost.
	if record != "" {
		if _, err := openRecord(r.Keys, b, s.idValue(p), record); err != nil {
			s.secret, s.origin = idSecret{}, movedOther
		}
	}
	if err := r.Policy.verify(s, time.Now()); err != nil {
		return nil, err // replaced
	}
	return s, nil
}

// upgradeSecret is the secret of a session that moves to Redis. It is derived
// from the sealed value alone, so that concurrent requests with one cookie,
// also on several instances, move the session to the same new value: with a
// random secret, all but the last writer would send a cookie that opens
// nothing.
func upgradeSecret(value string) idSecret {
	sum := sha256.Sum256([]byte(derivation + "upgrade/" + value))
	return idSecret(sum[:16])
}
