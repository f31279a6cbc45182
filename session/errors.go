package session

import (
	"errors"
	"fmt"
)

// The outcomes of reading a session. The texts are for logs, not for visitors.
var (
	// ErrNone means that a value is not a session: the visitor is not signed
	// in. All errors below that wrap it mean the same to the visitor; they
	// differ for logs and metrics only.
	ErrNone = errors.New("no session")

	// ErrTampered (an ErrNone) means that no key opens the value: it was
	// altered, made up, made for another site, account or purpose, or sealed
	// with a key that is gone.
	ErrTampered = fmt.Errorf("%w: the value was altered, is foreign, or its key is gone", ErrNone)

	// errAudience (an ErrNone) means that the session was made for another kind
	// of client: a token was sent as a cookie, or the other way round.
	errAudience = fmt.Errorf("%w: it was made for another kind of client", ErrNone)

	// ErrMalformed (an ErrNone) means that bytes are not a session in our
	// format.
	ErrMalformed = fmt.Errorf("%w: malformed", ErrNone)

	// ErrExpired (an ErrNone) means that the session was idle for too long or
	// has reached its longest lifetime.
	ErrExpired = fmt.Errorf("%w: expired", ErrNone)

	// ErrEnded (an ErrNone) means that the session was ended by a logout or a
	// revocation.
	ErrEnded = fmt.Errorf("%w: ended", ErrNone)

	// ErrReplaced (an ErrNone) means that a newer session of the same line has
	// taken the session's place. Connections that it opened may go on, but no
	// new request is accepted with it.
	ErrReplaced = fmt.Errorf("%w: replaced by a newer one", ErrNone)

	// ErrLineEnded (an ErrEnded) means that the line that a new session was to
	// continue has ended: the session must begin its own line.
	ErrLineEnded = fmt.Errorf("%w with its line", ErrEnded)

	// errFuture (an ErrNone) means that the session begins in the future.
	errFuture = fmt.Errorf("%w: it is from the future", ErrNone)

	// ErrUnavailable means that the store, or the keys, cannot be asked now. It
	// says nothing about the visitor: answer 503 and keep the cookie.
	ErrUnavailable = errors.New("the session store is unavailable")

	// ErrOtherCookie comes with ErrUnavailable although the store works: the
	// session was moved to Redis with another of its sealed cookies. It cannot
	// be written with this cookie, which stays valid.
	ErrOtherCookie = errors.New("it was moved there with another cookie")
)

// Mistakes of callers and of configuration.
var (
	// ErrInvalid means that a session cannot be saved as it is, or that a
	// setting is out of range.
	ErrInvalid = errors.New("invalid")

	// ErrTooLong means that a value would not fit into its limit once sealed.
	ErrTooLong = errors.New("too long to be sealed")

	// ErrNoKey means that a key ring is empty.
	ErrNoKey = errors.New("the key ring has no key")

	// ErrWeakKey means that a configured key is too short.
	ErrWeakKey = errors.New("a session key must have at least 32 bytes; make one with: openssl rand -base64 32")

	// ErrTooManyKeys means that more keys are configured than a ring takes.
	ErrTooManyKeys = errors.New("at most 8 session keys can be configured")

	// ErrConfigured means that the keys are configured: a KeyManager cannot
	// change them.
	ErrConfigured = errors.New("the session keys are configured")

	// ErrManyKeys means that too many keys were generated: the next one has to
	// wait until the oldest are dropped.
	ErrManyKeys = errors.New("too many session keys were generated in a short time")

	// ErrKeyFile means that the stored keys cannot be understood. They are
	// never replaced silently: that would end every session.
	ErrKeyFile = errors.New("the stored session keys cannot be understood")
)
