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

const (
	// recordVersion is the newest version. Version 1 has no sealed values and
	// no phone numbers, version 2 does not say who follows an account. A record is written in the oldest version that can hold
	// it: while gateways of both versions run, the older ones can read it.
	recordVersion = 3
	// maxRecord limits a stored person, in bytes: 64 accounts of two 128-byte
	// ids, every byte escaped, twice 4096 bytes in base64, and the rest.
	maxRecord = 1 << 20
)

// record is the stored form of a person. Times are Unix seconds, 0 for never.
type record struct {
	V         int             `json:"v"`
	ID        string          `json:"id"`
	Seq       uint64          `json:"s"`
	Version   uint64          `json:"r"`
	UnionID   string          `json:"u,omitempty"`
	Accounts  []accountRecord `json:"a,omitempty"`
	Merged    []string        `json:"m,omitempty"`
	Nickname  string          `json:"n,omitempty"`
	Avatar    string          `json:"i,omitempty"`
	ProfileAt int64           `json:"p,omitempty"`
	FirstSeen int64           `json:"f"`
	LastSeen  int64           `json:"l"`
}

type accountRecord struct {
	AppID     string `json:"a"`
	OpenID    string `json:"o"`
	ConsentAt int64  `json:"c,omitempty"`
	FirstSeen int64  `json:"f"`
	LastSeen  int64  `json:"l"`

	Grant      []byte `json:"g,omitempty"`
	SessionKey []byte `json:"k,omitempty"`
	Phone      string `json:"t,omitempty"`
	PhoneAt    int64  `json:"h,omitempty"`

	Follow       uint8 `json:"w,omitempty"`
	FollowAt     int64 `json:"e,omitempty"`
	FollowPushed int64 `json:"q,omitempty"`
}

// version returns the oldest version that can hold the account.
func (a *accountRecord) version() int {
	if a.Follow != 0 || a.FollowAt != 0 || a.FollowPushed != 0 {
		return 3
	}
	if len(a.Grant) > 0 || len(a.SessionKey) > 0 || a.Phone != "" || a.PhoneAt != 0 {
		return 2
	}
	return 1
}

func newRecord(p *Person) record {
	r := record{
		V: 1, ID: p.ID, Seq: p.seq, Version: p.Version, UnionID: p.UnionID, Merged: p.Merged,
		Nickname: p.Nickname, Avatar: p.AvatarURL,
		ProfileAt: seconds(p.ProfileAt), FirstSeen: seconds(p.FirstSeen), LastSeen: seconds(p.LastSeen),
	}
	for _, a := range p.Accounts {
		r.Accounts = append(r.Accounts, accountRecord{
			a.AppID, a.OpenID, seconds(a.ConsentAt), seconds(a.FirstSeen), seconds(a.LastSeen),
			a.Grant, a.SessionKey, a.Phone, seconds(a.PhoneAt),
			uint8(a.Follow), seconds(a.FollowAt), seconds(a.FollowPushed),
		})
		r.V = max(r.V, r.Accounts[len(r.Accounts)-1].version())
	}
	return r
}

// EncodePerson encodes a person.
func EncodePerson(p *Person) ([]byte, error) {
	r := newRecord(p)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("%w: encoding a person: %w", ErrUnavailable, err)
	}
	if b.Len() > maxRecord {
		return nil, fmt.Errorf("%w: a person's record would have %d bytes", ErrUnavailable, b.Len())
	}
	return b.Bytes(), nil
}

// DecodePerson decodes a person. It is strict: a record that this version would
// not have written is ErrCorrupt. It could not write back a record that it does
// not fully understand.
func DecodePerson(data []byte) (Person, error) {
	if len(data) > maxRecord {
		return Person{}, Corrupt("a record of %d bytes is too long", len(data))
	}
	var r record
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil { // the error may quote the record, so it is left out
		return Person{}, undecodable(data)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Person{}, Corrupt("bytes follow a record")
	}
	if r.V < 1 || r.V > recordVersion {
		return Person{}, undecodable(data)
	}
	if fault := r.fault(); fault != "" {
		return Person{}, Corrupt("a record has a bad %s", fault)
	}
	return r.person(), nil
}

// undecodable returns the reason why a record cannot be decoded, if it is
// known.
func undecodable(data []byte) error {
	var v struct {
		V int `json:"v"`
	}
	if err := json.Unmarshal(data, &v); err == nil && v.V > recordVersion {
		return Corrupt("a record of version %d was written by a newer gateway; this one reads version %d", v.V, recordVersion)
	}
	return Corrupt("a record of %d bytes cannot be decoded", len(data))
}

// fault names the first field with an impossible value, "" if all are good.
func (r *record) fault() string {
	checks := []struct {
		name string
		ok   bool
	}{
		{"id", personID(r.ID)},
		{"unionid", r.UnionID == "" || Identifier(r.UnionID)},
		{"number of accounts", len(r.Accounts) <= maxAccounts},
		{"number of merged ids", len(r.Merged) <= maxMerged},
		{"merged id", !slices.ContainsFunc(r.Merged, func(id string) bool { return !personID(id) || id == r.ID })},
		{"nickname", cleanNickname(r.Nickname) == r.Nickname},
		{"avatar", r.Avatar == "" || webAddress(r.Avatar)},
		{"time", times(r.ProfileAt, r.FirstSeen, r.LastSeen)},
	}
	for _, c := range checks {
		if !c.ok {
			return c.name
		}
	}
	for i, a := range r.Accounts {
		if !Identifier(a.AppID) || !Identifier(a.OpenID) || !times(a.ConsentAt, a.FirstSeen, a.LastSeen, a.PhoneAt, a.FollowAt, a.FollowPushed) {
			return "account"
		}
		if Follow(a.Follow) > FollowsNot || len(a.Grant) > maxSealed || len(a.SessionKey) > maxSealed || !Printable(a.Phone, maxPhone) {
			return "account"
		}
		twice := func(b accountRecord) bool { return b.AppID == a.AppID && b.OpenID == a.OpenID }
		if slices.ContainsFunc(r.Accounts[:i], twice) {
			return "account"
		}
	}
	return ""
}

func (r *record) person() Person {
	p := Person{
		ID: r.ID, seq: r.Seq, Version: r.Version, UnionID: r.UnionID, Merged: r.Merged,
		Nickname: r.Nickname, AvatarURL: r.Avatar,
		ProfileAt: moment(r.ProfileAt), FirstSeen: moment(r.FirstSeen), LastSeen: moment(r.LastSeen),
	}
	for _, a := range r.Accounts {
		p.Accounts = append(p.Accounts, Account{
			a.AppID, a.OpenID, moment(a.ConsentAt), moment(a.FirstSeen), moment(a.LastSeen),
			sealed(a.Grant), sealed(a.SessionKey), a.Phone, moment(a.PhoneAt),
			Follow(a.Follow), moment(a.FollowAt), moment(a.FollowPushed),
		})
	}
	return p
}

// sealed returns nil for an empty value.
func sealed(data []byte) []byte {
	if len(data) == 0 {
		return nil
	}
	return data
}

// Corrupt returns ErrCorrupt with a text, which must not quote a record.
func Corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// seconds and moment keep the zero time apart from 1970.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func moment(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

func times(all ...int64) bool {
	return !slices.ContainsFunc(all, func(s int64) bool { return s < 0 || s > MaxTime })
}
