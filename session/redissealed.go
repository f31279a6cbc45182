package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// origin says what a sealed cookie has to do with a session in Redis.
type origin uint8

const (
	// fromRedis: nothing. Also the zero value, of all other stores.
	fromRedis origin = iota

	// fromSealed: it was loaded from one and is to move to Redis. Policy.Due asks
	// for a renewal at once, which returns the new value.
	fromSealed

	// movedHere: it is in Redis now, and a sealed cookie of it may be around.
	movedHere

	// movedOther: it was loaded from one, but another sealed cookie of the same
	// session has moved. To write now would log that one out.
	movedOther
)

// loadSealed loads a sealed value, as Sealed would, and marks the session as due
// for its move to Redis. It asks Redis whether the session has ended.
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
	// It was moved, and the answer with the new cookie is on its way or lost.
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

// upgradeSecret is the secret of a session that moves to Redis. It is a function
// of the sealed value alone, so that many requests with one cookie, on many
// instances, all move the session to the same new value: with a random one, all
// but the last to write would get a cookie that opens nothing.
func upgradeSecret(value string) idSecret {
	sum := sha256.Sum256([]byte(derivation + "upgrade/" + value))
	return idSecret(sum[:16])
}
