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
	// maxAnnounced bounds the tombstones that were announced and not looked up yet.
	maxAnnounced = 4096
	// announcedStep is how many are looked up at once.
	announcedStep = 512
	// announcedPause follows each look-up: a flood of announcements has Redis asked so often, and not more.
	announcedPause = 50 * time.Millisecond
	// announcedRetry follows one that failed.
	announcedRetry = 100 * time.Millisecond
)

// announced holds the words of tombstones that the channel named. An announcement ends nothing: it says what to look up
// in Redis, where only a gateway writes (attack: a program that may only publish signs everybody out, or fills the
// memory with ends that never were). The zero value is ready.
type announced struct {
	mu      sync.Mutex
	words   map[string]struct{}
	spilled bool          // more came than there is room for: all of Redis' tombstones are to be read
	wake    chan struct{} // made by Start

	full, unfounded ledger.Warning
}

// add notes a word, and reports whether there was room.
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
	default: // awake already
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

// announce takes in the tombstones of a message.
func (e *ends) announce(message string) {
	now := time.Now()
	for word := range strings.FieldsSeq(message) {
		t, ok := parseTombstone(word)
		if !ok || t.e.Until <= now.Unix() || e.knows(&t) {
			continue
		}
		if !e.announced.add(strings.Clone(word)) && e.Logger != nil && e.announced.full.Due(now) {
			e.Logger.Warn("the ledger's channel announces more ends than can be looked up, and all are read from Redis; "+
				"does another program publish on it?", "channel", e.key("news"))
		}
	}
}

// knows says whether a tombstone would bring nothing new.
func (e *ends) knows(t *tombstone) bool {
	if t.person == "" {
		return e.sessions.Knows(t.session, t.e.Until)
	}
	return e.persons.Knows(t.person, t.e)
}

// confirmAnnounced learns what was announced and stands in Redis, until the context ends.
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
				e.announced.again(step, false) // nothing that was announced is lost while Redis does not answer
				pause = announcedRetry
			}
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// again notes what could not be looked up.
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

// confirm learns those of the words that stand in Redis.
func (e *ends) confirm(ctx context.Context, words []string) error {
	once, cancel := e.once(ctx)
	defer cancel()
	scores, err := e.Client.ZMScore(once, e.key("ended"), words...).Result()
	if err != nil || len(scores) != len(words) {
		return e.failed("looking up tombstones", err)
	}
	now, unfounded := time.Now(), 0
	for i, word := range words {
		t, _ := parseTombstone(word)
		switch {
		case scores[i] > 0: // 0 is none
			e.learn(word)
		case t.e.Until > now.Unix():
			unfounded++
		}
	}
	if unfounded > 0 && e.Logger != nil && e.announced.unfounded.Due(now) {
		e.Logger.Warn("the ledger's channel announced ends that Redis does not hold; nobody is signed out by them; "+
			"does another program publish on it?", "channel", e.key("news"), "number", unfounded)
	}
	return nil
}
