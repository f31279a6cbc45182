package redisledger

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

const (
	// maxAnnounced is how many tombstones may be announced and not looked up
	// yet.
	maxAnnounced = 4096
	// announcedStep is how many are looked up at once.
	announcedStep = 512
	// announcedPause follows each look-up, so that a flood of announcements
	// causes a limited number of calls to Redis.
	announcedPause = 50 * time.Millisecond
	// announcedRetry follows a failed look-up.
	announcedRetry = 100 * time.Millisecond
)

// announced holds the words of tombstones that messages on the channel named.
// An announcement ends nothing: it says what to look up in Redis, where only a
// gateway writes (attack: a program that may only publish signs every visitor
// out, or fills the memory with ends that never were). The zero value is ready.
type announced struct {
	mu      sync.Mutex
	words   map[string]struct{}
	spilled bool          // too many came: read all tombstones in Redis
	wake    chan struct{} // made by Start

	full, unfounded ledger.Warning
}

// add adds a word, and reports whether there was room.
func (a *announced) add(word string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.words == nil {
		a.words = make(map[string]struct{})
	}
	room := len(a.words) < maxAnnounced
	if room {
		a.words[word] = struct{}{}
	} else if _, noted := a.words[word]; !noted {
		a.spilled = true
	}
	select {
	case a.wake <- struct{}{}:
	default: // already awake
	}
	return room
}

// take empties it.
func (a *announced) take() (words []string, spilled bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	words = make([]string, 0, len(a.words))
	for word := range a.words {
		words = append(words, strings.Clone(word))
	}
	spilled, a.words, a.spilled = a.spilled, nil, false
	return words, spilled
}

// announce adds the tombstones of a message.
func (e *ends) announce(message string) {
	now := time.Now()
	for word := range strings.FieldsSeq(message) {
		t, ok := parseTombstone(word)
		if !isBanWord(word) && (!ok || t.e.Until <= now.Unix() || e.knows(&t)) {
			continue
		}
		if !e.announced.add(strings.Clone(word)) && e.Logger != nil && e.announced.full.Due(now) {
			e.Logger.Warn("the ledger's channel announces more ends than can be looked up; all ends are read from Redis; "+
				"does another program publish on it?", "channel", e.key("news"))
		}
	}
}

// knows reports whether a tombstone brings nothing new.
func (e *ends) knows(t *tombstone) bool {
	if t.person == "" {
		return e.sessions.Knows(t.session, t.e.Until)
	}
	return e.persons.Knows(t.person, t.e)
}

// confirmAnnounced learns announced tombstones that are in Redis, until the
// context ends.
func (e *ends) confirmAnnounced(ctx context.Context) {
	for {
		select {
		case <-e.announced.wake:
		case <-ctx.Done():
			return
		}
		words, spilled := e.announced.take()
		pause := announcedPause
		if spilled && e.loadTombstones(ctx) != nil {
			e.announced.again(nil, true)
			pause = announcedRetry
		}
		for step := range slices.Chunk(words, announcedStep) {
			if err := e.confirm(ctx, step); err != nil {
				e.announced.again(step, false) // announced tombstones are not lost while Redis does not answer
				pause = announcedRetry
			}
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// again adds what could not be looked up.
func (a *announced) again(words []string, spilled bool) {
	if spilled {
		a.mu.Lock()
		a.spilled = true
		a.mu.Unlock()
	}
	for _, word := range words {
		a.add(word)
	}
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// confirm learns those of the words that are in Redis.
func (e *ends) confirm(ctx context.Context, words []string) error {
	bans, words := banWords(words)
	if err := e.confirmBans(ctx, bans); err != nil || len(words) == 0 {
		return err
	}
	once, cancel := e.once(ctx)
	defer cancel()
	scores, err := e.Client.ZMScore(once, e.key("ended"), words...).Result()
	if err != nil || len(scores) != len(words) {
		return e.failed("looking up tombstones", orLength(err))
	}
	now, unfounded := time.Now(), 0
	for i, word := range words {
		t, _ := parseTombstone(word)
		switch {
		case scores[i] > 0: // 0 means none
			e.learn(word)
		case t.e.Until > now.Unix():
			unfounded++
		}
	}
	if unfounded > 0 && e.Logger != nil && e.announced.unfounded.Due(now) {
		e.Logger.Warn("the ledger's channel announced ends that Redis does not hold; they sign no visitor out; "+
			"does another program publish on it?", "channel", e.key("news"), "number", unfounded)
	}
	return nil
}
