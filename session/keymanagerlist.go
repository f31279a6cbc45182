package session

import (
	"slices"
	"time"
)

// KeyState says what a generated key does.
type KeyState string

// The states of a key.
const (
	KeyNext    KeyState = "next"    // it opens, and will seal when all gateways have read it
	KeyCurrent KeyState = "current" // it seals
	KeyOld     KeyState = "old"     // it opens what it sealed, until that has expired
)

// KeyInfo describes a generated key. It holds no secret.
type KeyInfo struct {
	ID      string // as in logs
	Created time.Time
	// Seals is when the key begins, or began, to seal. For the oldest key it is
	// Created: the first key of all seals at once.
	Seals time.Time
	State KeyState
}

// Keys lists the generated keys that still open something, the newest first. It
// returns none while keys are configured instead, and before Open. It never
// blocks.
func (k *KeyManager) Keys() []KeyInfo {
	kept := k.generated.Load()
	if kept == nil {
		return nil
	}
	now := time.Now()
	_, keep := k.times()
	file := kept.alive(now, keep)
	sealing := file.sealing(now)
	list := make([]KeyInfo, 0, len(file.Keys))
	for i, stored := range file.Keys {
		info := KeyInfo{ID: stored.ID, Created: stored.Created.UTC(), Seals: stored.Created.UTC(), State: KeyOld}
		if i > 0 {
			info.Seals = info.Created.Add(keyGrace)
		}
		switch {
		case i == sealing:
			info.State = KeyCurrent
		case i > sealing:
			info.State = KeyNext
		}
		list = append(list, info)
	}
	slices.Reverse(list)
	return list
}

// NewestKey returns when the newest generated key was made; zero while keys are
// configured instead, and before Open. It never blocks.
func (k *KeyManager) NewestKey() time.Time {
	kept := k.generated.Load()
	if kept == nil {
		return time.Time{}
	}
	return kept.Keys[len(kept.Keys)-1].Created.UTC()
}

// noteGenerated records what Keys and NewestKey return. The caller holds mu.
func (k *KeyManager) noteGenerated() {
	if k.configured != nil || len(k.file.Keys) == 0 {
		k.generated.Store(nil)
		return
	}
	file := k.file
	k.generated.Store(&file)
}
