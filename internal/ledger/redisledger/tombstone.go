package redisledger

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// tombstone is one word, in the store and in announcements: s and the session's
// id in hex; or p, the person's id, a dot, and the second up to which sessions
// are over; then in both cases a dot and the second until which that holds,
// which is also its score.
type tombstone struct {
	person  string // "" for a session
	session [16]byte
	e       ledger.PersonEnd // At is 0 for a session
}

// parseTombstone reads a word; ok is false if it is not a tombstone.
func parseTombstone(word string) (t tombstone, ok bool) {
	if word == "" || len(word) > 128 {
		return t, false
	}
	parts := strings.Split(word[1:], ".")
	until, err := parseSecond(parts[len(parts)-1])
	if err != nil {
		return t, false
	}
	t.e.Until = until
	switch {
	case word[0] == 's' && len(parts) == 2 && len(parts[0]) == 32:
		_, err = hex.Decode(t.session[:], []byte(parts[0]))
	case word[0] == 'p' && len(parts) == 3 && ledger.ValidID(parts[0]):
		t.person = parts[0]
		t.e.At, err = parseSecond(parts[1])
	default:
		return t, false
	}
	return t, err == nil
}

var errSecond = errors.New("ledger: not a time")

func parseSecond(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > ledger.MaxTime {
		return 0, errSecond
	}
	return n, nil
}

func sessionTombstone(id [16]byte, until int64) string {
	return "s" + hex.EncodeToString(id[:]) + "." + strconv.FormatInt(until, 10)
}

func personTombstone(id string, e ledger.PersonEnd) string {
	return "p" + id + "." + strconv.FormatInt(e.At, 10) + "." + strconv.FormatInt(e.Until, 10)
}
