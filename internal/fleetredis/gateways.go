package fleetredis

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/session"
)

// Gateways is the list of the gateways that share one Redis. Each writes its
// own entry once a minute, and removes it when it stops. Only `wechat doctor` reads it.
type Gateways struct {
	Client redis.UniversalClient
	Prefix string // of the keys
}

// Gateway is the entry of one gateway. It contains no key: a fingerprint is
// derived from one, and does not lead back to it.
type Gateway struct {
	ID      string    `json:"-"`       // host name and process id
	Version string    `json:"version"` // of the gateway
	Caddy   string    `json:"caddy"`
	Keys    []string  `json:"keys"` // fingerprints of the session keys; the first one signs
	At      time.Time `json:"at"`   // when it was written
}

const (
	// GatewayLife is how long an entry counts.
	GatewayLife = 3 * time.Minute

	// Bounds of the list (attack: a program that may write to Redis fills it).
	maxGateways = 256
	maxEntry    = 4 << 10 // bytes
	maxID       = 128     // bytes
)

func (s Gateways) key() string { return s.Prefix + "gateways" }

// Report writes the entry of a gateway, and removes entries that are old.
func (s Gateways) Report(ctx context.Context, g Gateway) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	entry, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("listing this gateway: %w", err)
	}
	entries, err := s.scan(ctx)
	if err != nil {
		return err
	}
	var old []string
	for id, text := range entries {
		if _, fresh := readEntry(id, text); !fresh && id != g.ID {
			old = append(old, id)
		}
	}
	_, err = s.Client.Pipelined(ctx, func(p redis.Pipeliner) error {
		if len(old) > 0 {
			p.HDel(ctx, s.key(), old...)
		}
		p.HSet(ctx, s.key(), g.ID, entry)
		p.Expire(ctx, s.key(), GatewayLife)
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing this gateway: %w", err)
	}
	return nil
}

// Remove removes the entry of a gateway that stops.
func (s Gateways) Remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.Client.HDel(ctx, s.key(), id).Err(); err != nil {
		return fmt.Errorf("removing this gateway from the list: %w", err)
	}
	return nil
}

// List returns the gateways that have written within GatewayLife, by ID.
func (s Gateways) List(ctx context.Context) ([]Gateway, error) {
	entries, err := s.scan(ctx)
	if err != nil {
		return nil, err
	}
	var all []Gateway
	for id, text := range entries {
		if g, fresh := readEntry(id, text); fresh {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b Gateway) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// scan reads about maxGateways entries.
func (s Gateways) scan(ctx context.Context) (map[string]string, error) {
	entries := make(map[string]string)
	for cursor, first := uint64(0), true; first || cursor != 0 && len(entries) < maxGateways; first = false {
		page, next, err := s.Client.HScan(ctx, s.key(), cursor, "", maxGateways).Result()
		if err != nil {
			return nil, fmt.Errorf("reading the list of gateways: %w", err)
		}
		for i := 0; i+1 < len(page); i += 2 {
			entries[page[i]] = page[i+1]
		}
		cursor = next
	}
	return entries, nil
}

// readEntry reads one entry. It returns false for one that is old, or that no
// gateway has written.
func readEntry(id, text string) (g Gateway, fresh bool) {
	if len(id) > maxID || len(text) > maxEntry || !printable(id) || json.Unmarshal([]byte(text), &g) != nil {
		return Gateway{}, false
	}
	g.ID = id
	age := time.Since(g.At)
	return g, age <= GatewayLife && age >= -session.MaxSkew
}

// printable reports whether an id may stand in a terminal (attack: control
// characters in it).
func printable(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return id != ""
}

// fingerprintLabel is the use of a derived fingerprint.
const fingerprintLabel = "fingerprint of a gateway's session key"

// Fingerprints returns a fingerprint of each key of a ring, the one that signs
// first.
func Fingerprints(ring *session.Ring) ([]string, error) {
	keys, _ := ring.SignatureKeys()
	all := make([]string, 0, len(keys))
	for _, key := range keys {
		sum, err := key.Derive(fingerprintLabel, 8)
		if err != nil {
			return nil, fmt.Errorf("the fingerprint of a session key: %w", err)
		}
		all = append(all, hex.EncodeToString(sum))
	}
	return all, nil
}
