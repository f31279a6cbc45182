package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// knownLedgersName is the name of the ledgers' ids in Caddy's storage, beside
// the session keys.
const knownLedgersName = "wechat/ledgers.json"

const (
	maxPlaces       = 16
	maxKnownLedgers = 8
	storagePatience = 30 * time.Second
)

// knownLedgers remembers which ledgers were at a place: a file's path, or the
// address of a Redis. Another place is another list, so that a move to another
// store is no loss.
type knownLedgers struct {
	storage session.KeyStorage
	place   string
}

// ledgerFile is the stored form: the ledgers of each place, the first one
// first.
type ledgerFile struct {
	Version int                      `json:"version"`
	Places  map[string][]knownLedger `json:"places"`
}

type knownLedger struct {
	ID    string    `json:"id"`
	Since time.Time `json:"since"`
}

// note records that the place has this ledger. since is when it took the place
// of another, zero if it is the first one that was seen there. isNew says that
// it was not seen there before: a ledger that was restored was.
func (k knownLedgers) note(ctx context.Context, id string) (since time.Time, isNew bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storagePatience)
	defer cancel()
	if err := k.storage.Lock(ctx, knownLedgersName); err != nil {
		return since, false, fmt.Errorf("locking %s: %w", knownLedgersName, err)
	}
	defer func() { err = errors.Join(err, k.storage.Unlock(ctx, knownLedgersName)) }()
	file, err := k.load(ctx)
	if err != nil {
		return since, false, err
	}
	place := placeKey(k.place)
	known := file.Places[place]
	if i := slices.IndexFunc(known, func(l knownLedger) bool { return l.ID == id }); i >= 0 {
		if i > 0 {
			since = known[i].Since
		}
		return since, false, nil
	}
	now := time.Now().UTC().Truncate(time.Second)
	if len(known) > 0 {
		since, isNew = now, true
	}
	if len(known) == maxKnownLedgers {
		known = slices.Delete(known, 1, 2) // the first one stays the first
	}
	if known == nil && len(file.Places) >= maxPlaces {
		clear(file.Places) // nobody moves so often: the list is not a backup
	}
	file.Places[place] = append(known, knownLedger{ID: id, Since: now})
	return since, isNew, k.store(ctx, file)
}

// load reads the file. One that cannot be understood counts as none: it only
// serves to warn.
func (k knownLedgers) load(ctx context.Context) (ledgerFile, error) {
	none := ledgerFile{Version: 1, Places: make(map[string][]knownLedger)}
	data, err := k.storage.Load(ctx, knownLedgersName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return none, nil
	case err != nil:
		return none, fmt.Errorf("reading %s: %w", knownLedgersName, err)
	}
	var file ledgerFile
	if err := json.Unmarshal(data, &file); err == nil && file.Places != nil {
		return file, nil
	}
	return none, nil
}

func (k knownLedgers) store(ctx context.Context, file ledgerFile) error {
	data, err := json.MarshalIndent(file, "", "\t")
	if err != nil {
		return err
	}
	if err := k.storage.Store(ctx, knownLedgersName, append(data, '\n')); err != nil {
		return fmt.Errorf("writing %s: %w", knownLedgersName, err)
	}
	return nil
}

// placeKey names a place without its address.
func placeKey(place string) string {
	sum := sha256.Sum256([]byte(place))
	return hex.EncodeToString(sum[:8])
}
