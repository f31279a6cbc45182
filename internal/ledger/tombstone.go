package ledger

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Tombstone is the record of EndSession or EndPerson: one session, or all
// sessions of a person that were created at some time or before, are over.
// [Ledger.WalkEnded] and [Ledger.ImportEnded] carry it to another store, in
// JSON as one line of a file.
type Tombstone struct {
	// Session is the session's id. It counts only if Person is "".
	Session [16]byte
	// Person is the one id, of a person or of a merged record, under which the
	// sessions were made; "" for the tombstone of a session.
	Person string
	// At is the creation time up to which the person's sessions are over, in
	// whole seconds, its second included. Zero for a session.
	At time.Time
	// Until is when the tombstone may be forgotten, in whole seconds.
	Until time.Time
}

// tombstoneJSON is a Tombstone as a line of a ledger file: a session, or a
// person and At.
type tombstoneJSON struct {
	Session string    `json:"ended_session,omitempty"`
	Person  string    `json:"ended_person,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Until   time.Time `json:"until"`
}

// fault names the first field that no ledger could have stored, "" if there is
// none.
func (t *Tombstone) fault() string {
	switch {
	case !keptTime(t.Until):
		return "until"
	case t.Person == "" && !t.At.IsZero(), t.Person != "" && !keptTime(t.At):
		return "at"
	case t.Person != "" && (!ValidID(t.Person) || t.Session != [16]byte{}):
		return "ended_person"
	}
	return ""
}

// keptTime reports whether a tombstone can have this time.
func keptTime(t time.Time) bool {
	return !t.IsZero() && t.Unix() >= 0 && t.Unix() <= MaxTime && t.Nanosecond() == 0
}

// Check returns ErrInvalid for a tombstone that no ledger could have stored.
func (t *Tombstone) Check() error {
	if fault := t.fault(); fault != "" {
		return fmt.Errorf("%w: the tombstone has a bad %s", ErrInvalid, fault)
	}
	return nil
}

// MarshalJSON writes a line of a ledger file.
func (t Tombstone) MarshalJSON() ([]byte, error) {
	v := tombstoneJSON{Person: t.Person, At: t.At, Until: t.Until}
	if t.Person == "" {
		v.Session = hex.EncodeToString(t.Session[:])
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("ledger: a tombstone as JSON: %w", err)
	}
	return data, nil
}

// UnmarshalJSON reads the output of MarshalJSON, strictly: it returns
// ErrInvalid for anything else, with a reason that repeats nothing of it.
func (t *Tombstone) UnmarshalJSON(data []byte) error {
	var v tombstoneJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil { // the error may quote the line, so it is left out
		return fmt.Errorf("%w: not a tombstone in JSON, in a line of length %d", ErrInvalid, len(data))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: bytes follow a tombstone", ErrInvalid)
	}
	if (v.Session == "") == (v.Person == "") {
		return fmt.Errorf("%w: the tombstone must have either ended_session or ended_person", ErrInvalid)
	}
	q := Tombstone{Person: v.Person, At: v.At.UTC(), Until: v.Until.UTC()}
	if v.Person == "" {
		id, err := hex.DecodeString(v.Session)
		if err != nil || len(id) != len(q.Session) {
			return fmt.Errorf("%w: the tombstone has a bad ended_session", ErrInvalid)
		}
		q.Session = [16]byte(id)
	}
	if err := q.Check(); err != nil {
		return err
	}
	*t = q
	return nil
}

// IsTombstone reports whether a line of a ledger file is a tombstone and not a
// person. The tombstone may be invalid.
func IsTombstone(line []byte) bool {
	var v struct {
		Session json.RawMessage `json:"ended_session"`
		Person  json.RawMessage `json:"ended_person"`
	}
	return json.Unmarshal(line, &v) == nil && (v.Session != nil || v.Person != nil)
}

// SessionTombstone returns the tombstone of a session, which holds until a
// second.
func SessionTombstone(id [16]byte, until int64) Tombstone {
	return Tombstone{Session: id, Until: time.Unix(until, 0).UTC()}
}

// PersonTombstone returns the tombstone of a person's sessions.
func PersonTombstone(id string, e PersonEnd) Tombstone {
	return Tombstone{Person: id, At: time.Unix(e.At, 0).UTC(), Until: time.Unix(e.Until, 0).UTC()}
}
