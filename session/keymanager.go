package session

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultRotate is how often a KeyManager makes a new key.
	DefaultRotate = 30 * 24 * time.Hour

	minRotate    = time.Hour        // far more than keyGrace: only one key waits at a time
	pollEvery    = time.Minute      // how long a leaked key may live on other gateways
	storageLimit = 30 * time.Second // for one use of the storage
)

// KeyManager makes keys and keeps them in a storage that several gateways may
// share. A new key seals only after fifteen minutes, when all gateways have
// read it; an old key opens until Keep after its successor began to seal. So a
// rotation ends no session. If keys are configured instead, it retires the
// generated ones: see Join. A KeyManager must not be copied; its fields must
// not change after Open or Join.
type KeyManager struct {
	// Storage is where the keys are kept; Name is their name, and the name of
	// the lock, there. Both are required.
	Storage KeyStorage
	Name    string

	// Rotate is the age at which the newest key gets a successor: an hour or
	// more. Zero means DefaultRotate, or a 24th of Keep if that is longer.
	Rotate time.Duration

	// Keep is the longest lifetime of a sealed value. Zero means
	// DefaultLifetime. At most 48 times Rotate.
	Keep time.Duration

	// Ring, when set, is kept up to date instead of a new one: its holder sees
	// the keys of the current KeyManager.
	Ring *Ring

	// Logger receives new keys, by id, and failures, never a secret. It may be
	// nil.
	Logger *slog.Logger

	mu         sync.Mutex
	file       keyFile
	ring       *Ring
	configured [][]byte  // the keys of Join, the sealing one first
	unmarked   time.Time // since when they seal, while the storage does not record it

	generated atomic.Pointer[keyFile] // for Keys and NewestKey; nil for none
}

// Open reads the keys, makes the first one if there is none yet, adds one if it
// is time to, and returns the ring, which Refresh and Run keep up to date. It
// fails with ErrUnavailable if the storage cannot be read, with ErrKeyFile if
// the stored keys cannot be understood, and with ErrInvalid if a setting is
// wrong.
//
// Keys that configured keys (see Join) replaced so long ago that they were
// retired are not used again: Open makes a new one, or fails with
// ErrUnavailable.
func (k *KeyManager) Open(ctx context.Context) (*Ring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open(ctx)
}

func (k *KeyManager) open(ctx context.Context) (*Ring, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	file, err := k.read(ctx)
	if errors.Is(err, fs.ErrNotExist) && k.ring == nil {
		file, err = k.create(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := k.settle(ctx, file); err != nil {
		if k.ring == nil {
			return nil, err
		}
		// The keys that were read are good: serving does not need a writable
		// storage.
		k.log().WarnContext(ctx, "session keys could not be rotated", "error", err)
	}
	return k.ring, nil
}

// settle puts the keys of a file on the ring, and rotates the file if needed.
func (k *KeyManager) settle(ctx context.Context, file keyFile) error {
	if _, keep := k.times(); !file.retired(time.Now(), keep) {
		if err := k.adopt(file); err != nil {
			return err
		}
	}
	return k.rotate(ctx, file)
}

// Refresh reads the keys again and adds one if it is time to. On an error the
// ring keeps the keys that it has.
func (k *KeyManager) Refresh(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.configured != nil {
		return k.rejoin(ctx)
	}
	if k.ring == nil {
		_, err := k.open(ctx)
		return err
	}
	file, err := k.read(ctx)
	if err != nil {
		// Keys age without the storage too: a key that all gateways know
		// becomes the sealing one.
		return errors.Join(err, k.adopt(k.file))
	}
	return k.settle(ctx, file)
}

// Run refreshes the keys about once a minute until ctx is done. Gateways do not
// all refresh at the same time.
func (k *KeyManager) Run(ctx context.Context) {
	timer := time.NewTimer(jitter(pollEvery))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := k.Refresh(ctx); err != nil && ctx.Err() == nil {
			k.log().WarnContext(ctx, "session keys could not be refreshed", "error", err)
		}
		timer.Reset(jitter(pollEvery))
	}
}

// check reports settings that make no sense.
func (k *KeyManager) check() error {
	switch rotate, keep := k.times(); {
	case k.Storage == nil || k.Name == "":
		return fmt.Errorf("%w session keys: a storage and a name are needed", ErrInvalid)
	case rotate < minRotate:
		return fmt.Errorf("%w session keys: they cannot be rotated more often than every %s", ErrInvalid, minRotate)
	case keep < 0 || keep > 48*rotate:
		return fmt.Errorf("%w session keys: with sessions of up to %s they cannot be rotated every %s", ErrInvalid, keep, rotate)
	}
	return nil
}

// times returns Rotate and Keep, or their defaults.
func (k *KeyManager) times() (rotate, keep time.Duration) {
	rotate, keep = k.Rotate, k.Keep
	if keep == 0 {
		keep = DefaultLifetime
	}
	if rotate == 0 {
		rotate = max(DefaultRotate, keep/24)
	}
	return rotate, keep
}

// adopt puts the keys of a file that are still needed on the ring, behind the
// configured ones, if there are any.
func (k *KeyManager) adopt(file keyFile) error {
	now := time.Now()
	_, keep := k.times()
	ring := cmp.Or(k.ring, k.Ring)
	if ring == nil {
		ring = new(Ring)
	}
	secrets := slices.Clone(k.configured)
	if len(file.Keys) > 0 && !(k.configured != nil && file.retired(now, keep)) {
		secrets = append(secrets, file.alive(now, keep).secrets(now)...)
	}
	if err := ring.replace(secrets, k.signing(file, now)); err != nil {
		return err
	}
	k.file, k.ring = file, ring
	k.noteGenerated()
	return nil
}

// signing returns the secret that signs: the configured one that seals, or a
// generated one of the file.
func (k *KeyManager) signing(file keyFile, now time.Time) []byte {
	if len(k.configured) > 0 {
		return k.configured[0]
	}
	_, keep := k.times()
	if file = file.alive(now, keep); len(file.Keys) > 0 {
		return file.Keys[file.signing(now)].Secret
	}
	return nil
}

// Format hides the keys in every print form.
func (k *KeyManager) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue hides the keys in structured logs.
func (k *KeyManager) LogValue() slog.Value { return slog.StringValue(redacted) }

func (k *KeyManager) log() *slog.Logger {
	if k.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return k.Logger
}

// jitter takes up to a fifth off a time, so that gateways that start together
// do not ask together.
func jitter(d time.Duration) time.Duration {
	var random [2]byte
	_, _ = rand.Read(random[:]) // never fails
	return d - d/5*time.Duration(binary.BigEndian.Uint16(random[:]))/(1<<16)
}
