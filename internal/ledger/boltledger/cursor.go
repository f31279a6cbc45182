package boltledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// verifyPlace is where Verify goes on: behind a key of a table.
type verifyPlace struct {
	table int // in verifiedTables
	key   string
}

// cursorSeal encrypts the cursors of Verify. A place is an openid, a unionid or
// a nickname, and a caller's log has the address of each call. The key is that
// of the process: a cursor is worth nothing after a restart.
type cursorSeal struct {
	once sync.Once
	aead cipher.AEAD
}

func (s *cursorSeal) cipher() cipher.AEAD {
	s.once.Do(func() {
		key := make([]byte, 32)
		rand.Read(key) // never fails: crypto/rand ends the process instead
		block, err := aes.NewCipher(key)
		if err == nil {
			s.aead, err = cipher.NewGCMWithRandomNonce(block)
		}
		if err != nil {
			panic(err) // a key of 32 bytes is always accepted
		}
	})
	return s.aead
}

// seal returns a cursor.
func (s *cursorSeal) seal(p verifyPlace) string {
	plain := append([]byte{byte(p.table)}, p.key...)
	sealed := s.cipher().Seal(nil, nil, plain, nil) //nolint:gosec // the cipher draws the nonce itself
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// open reads a cursor; "" is the beginning. ErrInvalid.
func (s *cursorSeal) open(cursor string) (verifyPlace, error) {
	if cursor == "" {
		return verifyPlace{}, nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		sealed, err = s.cipher().Open(nil, nil, sealed, nil)
	}
	if err != nil || len(sealed) == 0 || int(sealed[0]) >= len(verifiedTables) {
		return verifyPlace{}, fmt.Errorf("%w: this is no cursor of this process; begin again without one", ledger.ErrInvalid)
	}
	return verifyPlace{int(sealed[0]), string(sealed[1:])}, nil
}
