package session

import "time"

// NewestKey returns when the newest generated key was made; zero while keys are
// configured instead, and before Open. It never blocks.
func (k *KeyManager) NewestKey() time.Time {
	made := k.newest.Load()
	if made == 0 {
		return time.Time{}
	}
	return time.Unix(made, 0).UTC()
}

// noteNewest records what NewestKey returns. The caller holds mu.
func (k *KeyManager) noteNewest() {
	if k.configured != nil || len(k.file.Keys) == 0 {
		k.newest.Store(0)
		return
	}
	k.newest.Store(k.file.Keys[len(k.file.Keys)-1].Created.Unix())
}
