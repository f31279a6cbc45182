package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// maxEvent bounds a stored event, in bytes: 64 accounts of two ids and a unionid
// of 128 bytes, 64 aliases, and a reason, every byte escaped.
const maxEvent = 64 << 10

// eventRecord is the stored form of an event. Times are as in record. The only
// account of an erased person stands in AppID and OpenID: an older gateway of a
// fleet cannot read an event with Accounts.
type eventRecord struct {
	ID      string    `json:"i"`
	Kind    EventKind `json:"k"`
	Person  string    `json:"p,omitempty"`
	From    string    `json:"f,omitempty"`
	Aliases []string  `json:"l,omitempty"`
	AppID   string    `json:"a,omitempty"`
	OpenID  string    `json:"o,omitempty"`
	UnionID string    `json:"u,omitempty"`
	At      int64     `json:"t"`
	Scope   string    `json:"s,omitempty"`
	Reason  string    `json:"r,omitempty"`

	Accounts []accountIDRecord `json:"c,omitempty"`
}

type accountIDRecord struct {
	AppID  string `json:"a"`
	OpenID string `json:"o"`
}

func newEventRecord(e *Event) eventRecord {
	r := eventRecord{
		ID: e.ID, Kind: e.Kind, Person: e.Person, From: e.From, Aliases: e.Aliases, AppID: e.AppID, OpenID: e.OpenID,
		UnionID: e.UnionID, At: seconds(e.At), Scope: e.Scope, Reason: e.Reason,
	}
	if len(e.Accounts) == 1 && e.AppID == "" && e.OpenID == "" {
		r.AppID, r.OpenID = e.Accounts[0].AppID, e.Accounts[0].OpenID
		return r
	}
	for _, a := range e.Accounts {
		r.Accounts = append(r.Accounts, accountIDRecord(a))
	}
	return r
}

// accounts returns the accounts of an erased person, nil for another event.
func (r *eventRecord) accounts() (all []AccountID) {
	if r.Kind == Erased && r.AppID != "" && r.OpenID != "" {
		return []AccountID{{r.AppID, r.OpenID}}
	}
	for _, a := range r.Accounts {
		all = append(all, AccountID(a))
	}
	return all
}

// fault names the first field with an impossible value, "" if all are good.
func (r *eventRecord) fault() string {
	optional := func(s string, ok func(string) bool) bool { return s == "" || ok(s) }
	checks := []struct {
		name string
		ok   bool
	}{
		{"id", ValidID(r.ID)},
		{"kind", slices.Contains(kinds, r.Kind)},
		{"person", optional(r.Person, ValidID)},
		{"former person", optional(r.From, ValidID)},
		{"number of aliases", len(r.Aliases) <= maxMerged},
		{"alias", !slices.ContainsFunc(r.Aliases, func(id string) bool { return !ValidID(id) })},
		{"app id", optional(r.AppID, Identifier)},
		{"openid", optional(r.OpenID, Identifier)},
		{"unionid", optional(r.UnionID, Identifier)},
		{"account", len(r.Accounts) == 0 || r.Kind == Erased && len(r.Accounts) > 1 && len(r.Accounts) <= maxAccounts && r.AppID == "" && r.OpenID == "" &&
			!slices.ContainsFunc(r.Accounts, func(a accountIDRecord) bool { return !Identifier(a.AppID) || !Identifier(a.OpenID) })},
		{"time", r.At > 0 && r.At <= MaxTime},
		{"scope", len(r.Scope) <= maxScope && optional(r.Scope, Identifier)},
		{"reason", Printable(r.Reason, MaxReason)},
	}
	for _, c := range checks {
		if !c.ok {
			return c.name
		}
	}
	return ""
}

// EncodeEvent encodes an event in the form of both stores.
func EncodeEvent(e *Event) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(newEventRecord(e)); err != nil {
		return nil, fmt.Errorf("%w: encoding an event: %w", ErrUnavailable, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// DecodeEvent reads an event as strictly as DecodePerson reads a person.
func DecodeEvent(data []byte) (Event, error) {
	if len(data) > maxEvent {
		return Event{}, Corrupt("an event of %d bytes is too long", len(data))
	}
	var r eventRecord
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil { // the error may quote the event, so it is left out
		return Event{}, Corrupt("an event of %d bytes cannot be decoded; a newer gateway may have written it", len(data))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Event{}, Corrupt("bytes follow an event")
	}
	if fault := r.fault(); fault != "" {
		return Event{}, Corrupt("an event has a bad %s", fault)
	}
	if len(r.Aliases) == 0 {
		r.Aliases = nil
	}
	e := Event{
		ID: r.ID, Kind: r.Kind, Person: r.Person, From: r.From, Aliases: r.Aliases, AppID: r.AppID, OpenID: r.OpenID,
		UnionID: r.UnionID, At: moment(r.At), Scope: r.Scope, Reason: r.Reason, Accounts: r.accounts(),
	}
	if len(e.Accounts) > 0 {
		e.AppID, e.OpenID = "", ""
	}
	return e, nil
}

// Progress is the state of a delivery. Times are milliseconds since 1970.
type Progress struct {
	Next     int64  `json:"n"`
	First    int64  `json:"f"`
	Attempts int    `json:"a,omitempty"`
	Reason   string `json:"r,omitempty"`
}

// Failed records a failed attempt.
func (s *Progress) Failed(now, next int64, reason string) {
	if s.Attempts == 0 {
		s.First = now
	}
	s.Attempts++
	s.Next, s.Reason = next, reason
}

// Delivery combines an event and its progress.
func (s *Progress) Delivery(e Event) Delivery {
	return Delivery{
		Event: e, Attempts: s.Attempts, First: time.UnixMilli(s.First).UTC(), Next: time.UnixMilli(s.Next).UTC(), Reason: s.Reason,
	}
}

// Millis returns a time in the form and the limits of the outbox, rounded up.
func Millis(t time.Time) int64 {
	if t.Unix() <= 0 {
		return 0
	}
	if t.Unix() > MaxTime {
		return MaxTime * 1000
	}
	return t.Add(time.Millisecond - 1).UnixMilli()
}
