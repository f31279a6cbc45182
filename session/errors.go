package session

import (
	"errors"
	"fmt"
)

// The outcomes of reading a session. The texts are for logs, never for visitors.
var (
	// ErrNone says that a value is not a session: the visitor is not signed in.
	// All errors below that wrap it mean the same to the visitor; they differ
	// for logs and metrics only.
	ErrNone = errors.New("no session")

	// ErrTampered (an ErrNone) says that no key opens the value: it was altered,
	// made up, made for another site, account or purpose, or sealed by a key
	// that is gone.
	ErrTampered = fmt.Errorf("%w: the value was altered, is foreign, or its key is gone", ErrNone)

	// errAudience (an ErrNone) says that the session was made for another kind of
	// client: a token was sent as a cookie, or the other way round.
	errAudience = fmt.Errorf("%w: it was made for another kind of client", ErrNone)

	// ErrMalformed (an ErrNone) says that bytes are not a session in our format.
	ErrMalformed = fmt.Errorf("%w: malformed", ErrNone)

	// ErrExpired (an ErrNone) says that the session was idle for too long or has
	// reached its longest lifetime.
	ErrExpired = fmt.Errorf("%w: expired", ErrNone)

	// ErrEnded (an ErrNone) says that the session was ended: a logout, or a
	// revocation.
	ErrEnded = fmt.Errorf("%w: ended", ErrNone)

	// ErrReplaced (an ErrNone) says that a newer session of the same line has
	// taken the session's place. What it let in may go on, but it answers no more.
	ErrReplaced = fmt.Errorf("%w: replaced by a newer one", ErrNone)

	// ErrLineEnded (an ErrEnded) says that the line, which a new session was to
	// continue, has ended: the session begins a line of its own.
	ErrLineEnded = fmt.Errorf("%w with its line", ErrEnded)

	// errFuture (an ErrNone) says that the session begins in the future.
	errFuture = fmt.Errorf("%w: it is from the future", ErrNone)

	// ErrUnavailable says that the store, or the keys, cannot be asked now. It
	// says nothing about the visitor: answer 503 and leave the cookie alone.
	ErrUnavailable = errors.New("the session store is unavailable")

	// ErrOtherCookie comes with ErrUnavailable where the store is well: the session
	// was moved to Redis with another of its sealed cookies, and cannot be written
	// with this one, which stays good.
	ErrOtherCookie = errors.New("it was moved there with another cookie")
)

// Mistakes of callers and of configuration.
var (
	// ErrInvalid says that a session cannot be saved as it is, or that a
	// setting is out of range.
	ErrInvalid = errors.New("invalid")

	// ErrTooLong says that a value would not fit into its limit once sealed.
	ErrTooLong = errors.New("too long to be sealed")

	// ErrNoKey says that a key ring is empty.
	ErrNoKey = errors.New("the key ring has no key")

	// ErrWeakKey says that a configured key is too short.
	ErrWeakKey = errors.New("a session key must have at least 32 bytes; make one with: openssl rand -base64 32")

	// ErrTooManyKeys says that more keys are configured than a ring takes.
	ErrTooManyKeys = errors.New("at most 8 session keys can be configured")

	// ErrConfigured says that the keys are configured: a KeyManager cannot change them.
	ErrConfigured = errors.New("the session keys are configured")

	// ErrManyKeys says that so many keys were generated that another one has to
	// wait until the first of them are dropped.
	ErrManyKeys = errors.New("too many session keys were generated in a short time")

	// ErrKeyFile says that the stored keys cannot be understood. They are never
	// replaced silently: that would end every session.
	ErrKeyFile = errors.New("the stored session keys cannot be understood")
)
