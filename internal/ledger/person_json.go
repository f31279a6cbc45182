package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// personJSON is a Person in the files that carry a ledger from one store to
// another, one line each. Times are RFC 3339, in UTC.
type personJSON struct {
	ID        string        `json:"id"`
	UnionID   string        `json:"unionid,omitempty"`
	Accounts  []accountJSON `json:"accounts,omitempty"`
	Merged    []string      `json:"merged,omitempty"`
	Nickname  string        `json:"nickname,omitempty"`
	Avatar    string        `json:"avatar,omitempty"`
	ProfileAt time.Time     `json:"profile_at,omitzero"`
	FirstSeen time.Time     `json:"first_seen"`
	LastSeen  time.Time     `json:"last_seen"`
	Version   uint64        `json:"version"`
	Order     uint64        `json:"order"`
}

type accountJSON struct {
	AppID      string    `json:"app_id"`
	OpenID     string    `json:"openid"`
	ConsentAt  time.Time `json:"consent_at,omitzero"`
	FirstSeen  time.Time `json:"first_seen"`
	LastSeen   time.Time `json:"last_seen"`
	Grant      []byte    `json:"grant,omitempty"`
	SessionKey []byte    `json:"session_key,omitempty"`
	Phone      string    `json:"phone,omitempty"`
	PhoneAt    time.Time `json:"phone_at,omitzero"`

	Follow       Follow    `json:"follow,omitempty"`
	FollowAt     time.Time `json:"follow_at,omitzero"`
	FollowPushed time.Time `json:"follow_pushed,omitzero"`
}

// MarshalJSON writes all data of the person, sealed values too: it is a line
// for another store. Export is for people.
func (p Person) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(p.json())
	if err != nil {
		return nil, fmt.Errorf("ledger: a person as JSON: %w", err)
	}
	return data, nil
}

func (p *Person) json() personJSON {
	v := personJSON{
		ID: p.ID, UnionID: p.UnionID, Merged: p.Merged, Nickname: p.Nickname, Avatar: p.AvatarURL,
		ProfileAt: p.ProfileAt, FirstSeen: p.FirstSeen, LastSeen: p.LastSeen, Version: p.Version, Order: p.seq,
	}
	for _, a := range p.Accounts {
		v.Accounts = append(v.Accounts, accountJSON(a))
	}
	return v
}

// exportJSON is the data of a person for that person to read. Of sealed values
// it says only that they exist.
type exportJSON struct {
	personJSON
	Accounts []accountExport `json:"accounts,omitempty"`
	Banned   bool            `json:"banned,omitempty"`
}

type accountExport struct {
	accountJSON
	Grant      *kept `json:"grant,omitempty"`
	SessionKey *kept `json:"session_key,omitempty"`
}

type kept struct {
	Kept bool `json:"kept"`
}

// ExportPerson returns the stored data of a person, and whether the person is
// banned.
func ExportPerson(p *Person, banned bool) ([]byte, error) {
	v := exportJSON{personJSON: p.json(), Banned: banned}
	for _, a := range v.personJSON.Accounts {
		one := accountExport{accountJSON: a}
		if len(a.Grant) > 0 {
			one.Grant = &kept{true}
		}
		if len(a.SessionKey) > 0 {
			one.SessionKey = &kept{true}
		}
		v.Accounts = append(v.Accounts, one)
	}
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("ledger: export: %w", err)
	}
	return append(data, '\n'), nil
}

// UnmarshalJSON reads the output of MarshalJSON, strictly: it returns
// ErrInvalid for anything else, with a reason that repeats nothing of it.
func (p *Person) UnmarshalJSON(data []byte) error {
	if len(data) > 2*maxRecord {
		return fmt.Errorf("%w: %d bytes are too many for a person", ErrInvalid, len(data))
	}
	var v personJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil { // the error may quote the person, so it is left out
		return fmt.Errorf("%w: not a person in JSON, in a line of length %d", ErrInvalid, len(data))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: bytes follow a person", ErrInvalid)
	}
	q := Person{
		ID: v.ID, UnionID: v.UnionID, Merged: v.Merged, Nickname: v.Nickname, AvatarURL: v.Avatar,
		ProfileAt: v.ProfileAt, FirstSeen: v.FirstSeen, LastSeen: v.LastSeen, Version: v.Version, seq: v.Order,
	}
	for _, a := range v.Accounts {
		q.Accounts = append(q.Accounts, Account(a))
	}
	if fault := q.fault(); fault != "" {
		return fmt.Errorf("%w: the person has a bad %s", ErrInvalid, fault)
	}
	*p = q
	return nil
}
