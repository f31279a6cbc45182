package session

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

const maxPrefix = 64

// base64url is the encoding of id values and keys, without padding and strict:
// each value has exactly one form.
var base64url = base64.RawURLEncoding.Strict()

// tag is the first two bytes of a hash of the person, or of a guest's id. It is
// the hash tag in the keys of Redis Cluster: a person's sessions and their
// index share a slot, so that one script may touch them all.
type tag [2]byte

// tagLength is the length of a tag as text.
const tagLength = 3

func (t tag) String() string { return base64url.EncodeToString(t[:]) }

// place is where a session is stored in Redis.
type place struct {
	tag    tag
	ref    string // 16 characters: 96 bits of a hash of the session's id
	person string // 96 bits of a hash of the person; "" if it is not known
	line   string // 96 bits of a hash of the line; "" for a guest, who has none
}

// newPlace returns the place of a session.
func newPlace(s *Session) place {
	p := place{ref: refOf(s.ID), person: personRef(s.Person), line: refOf(s.LineID())}
	p.tag = tagOf(s.Person)
	if s.Person == "" {
		p.tag, p.line = tagOf(p.ref), ""
	}
	return p
}

// name identifies a session in messages and to administrators.
func (p place) name() string { return p.tag.String() + p.ref }

// lineName identifies its line in messages, "" if it has none.
func (p place) lineName() string {
	if p.line == "" {
		return ""
	}
	return p.tag.String() + p.line
}

// refOf returns the session's own part of a name.
func refOf(id ID) string { return shortHash("session/" + string(id[:])) }

// personRef identifies a person in keys and in messages.
func personRef(person string) string { return shortHash("person/" + person) }

func tagOf(of string) tag {
	sum := sha256.Sum256([]byte("tag/" + of))
	return tag(sum[:2])
}

func shortHash(of string) string {
	sum := sha256.Sum256([]byte(of))
	return base64url.EncodeToString(sum[:12])
}

// key is a name in Redis: <prefix><kind>{<tag>}:<ref>. Kinds are s for a
// session's record, p for a person's index (a sorted set of refs by expiry), e
// for the second in which all sessions of a person were ended, and l for a line
// that was ended. All sessions of a line are one person's, so they share a
// slot. With the default prefix a name has 30 characters, the most that Redis
// keeps in 32 bytes.
func (r *Redis) key(kind string, t tag, ref string) string {
	return r.prefix() + kind + "{" + t.String() + "}:" + ref
}

func (r *Redis) sessionKey(t tag, id ID) string { return r.key("s", t, refOf(id)) }

// Channel returns the name of the Pub/Sub channel on which the store announces
// ends and changes, in the script that makes them. A RedisBus listens there.
func (r *Redis) Channel() string { return r.prefix() + "sessions" }

// Check reports a Prefix that cannot be used (ErrInvalid). It may have up to 64
// bytes of printable ASCII without braces: with braces all keys of all persons
// would share a slot.
func (r *Redis) Check() error {
	if !printable(r.Prefix, maxPrefix) || strings.ContainsAny(r.Prefix, "{}") {
		return fmt.Errorf("%w key prefix %.80q: up to %d visible ASCII characters without braces are allowed", ErrInvalid, r.Prefix, maxPrefix)
	}
	return nil
}

func (r *Redis) prefix() string {
	if r.Prefix == "" {
		return DefaultPrefix
	}
	return r.Prefix
}
