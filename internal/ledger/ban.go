package ledger

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Limits of bans. An operator makes them, one at a time; an import may bring
// more.
const (
	MaxBans     = 100_000
	maxBanKeys  = 16 // a look-up computes the marks with each key
	maxBanMarks = 1024
	maxBanApps  = 256
	maxBan      = 128 << 10 // bytes of one ban in JSON
)

// banVersion is the newest version of a ban's stored form.
const banVersion = 1

// Ban keeps a person out: everyone who has one of its marks is banned.
type Ban struct {
	// ID is random.
	ID string
	// Person is the id of the banned person; "" after the person was erased.
	Person string
	// At is when the person was banned, in whole seconds.
	At time.Time
	// Key makes the marks.
	Key BanKey
	// Apps are the app ids of the marked openids, so that [Bans.Unban] finds a
	// ban by an openid alone.
	Apps []string
	// Marks are those of all names that the person had when the ban was made,
	// and when names were removed.
	Marks []Mark
}

// banJSON is a Ban in a store, and as a line of a ledger file.
type banJSON struct {
	ID      string    `json:"ban"`
	Version int       `json:"version"`
	Person  string    `json:"person,omitempty"`
	At      time.Time `json:"at"`
	Key     []byte    `json:"key"`
	Apps    []string  `json:"apps,omitempty"`
	Marks   []string  `json:"marks"`
}

// MarshalJSON writes the ban for a store or another ledger.
func (b Ban) MarshalJSON() ([]byte, error) {
	v := banJSON{ID: b.ID, Version: banVersion, Person: b.Person, At: b.At, Key: b.Key[:], Apps: b.Apps, Marks: make([]string, len(b.Marks))}
	for i, m := range b.Marks {
		v.Marks[i] = m.String()
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("ledger: a ban as JSON: %w", err)
	}
	return data, nil
}

// UnmarshalJSON reads the output of MarshalJSON, strictly: it returns
// ErrInvalid for anything else, with a reason that repeats nothing of it.
func (b *Ban) UnmarshalJSON(data []byte) error {
	if len(data) > maxBan {
		return fmt.Errorf("%w: %d bytes are too many for a ban", ErrInvalid, len(data))
	}
	var v banJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return fmt.Errorf("%w: not a ban in JSON, in a line of length %d", ErrInvalid, len(data))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: bytes follow a ban", ErrInvalid)
	}
	q, fault := v.ban()
	if fault != "" {
		return fmt.Errorf("%w: the ban has a bad %s", ErrInvalid, fault)
	}
	*b = q
	return nil
}

// ban returns the ban, or the name of the first field that no ledger could have
// stored.
func (v *banJSON) ban() (b Ban, fault string) {
	b = Ban{ID: v.ID, Person: v.Person, At: v.At.UTC(), Apps: v.Apps}
	switch {
	case v.Version != banVersion:
		return b, "version"
	case !ValidID(v.ID):
		return b, "ban"
	case v.Person != "" && !ValidID(v.Person):
		return b, "person"
	case !keptTime(v.At):
		return b, "at"
	case len(v.Key) != len(b.Key):
		return b, "key"
	case len(v.Apps) > maxBanApps || slices.ContainsFunc(v.Apps, func(app string) bool { return !Identifier(app) }):
		return b, "apps"
	case len(v.Marks) == 0 || len(v.Marks) > maxBanMarks:
		return b, "number of marks"
	}
	copy(b.Key[:], v.Key)
	for _, text := range v.Marks {
		raw, err := hex.DecodeString(text)
		if err != nil || len(raw) != len(Mark{}) || hex.EncodeToString(raw) != text {
			return b, "mark"
		}
		b.Marks = append(b.Marks, Mark(raw))
	}
	return b, ""
}

// Check returns ErrInvalid for a ban that no ledger could have stored.
func (b *Ban) Check() error {
	data, err := json.Marshal(b)
	if err != nil { // the error may quote the ban, so it is left out
		return fmt.Errorf("%w: the ban cannot be written", ErrInvalid)
	}
	return new(Ban).UnmarshalJSON(data)
}

// DecodeBan reads a ban of a store. ErrCorrupt.
func DecodeBan(id string, data []byte) (Ban, error) {
	var b Ban
	if err := b.UnmarshalJSON(data); err != nil || b.ID != id {
		return Ban{}, Corrupt("a ban cannot be decoded; perhaps a newer gateway has written it")
	}
	return b, nil
}

// IsBan reports whether a line of a ledger file is a ban. It may be invalid.
func IsBan(line []byte) bool {
	var v struct {
		ID json.RawMessage `json:"ban"`
	}
	return json.Unmarshal(line, &v) == nil && v.ID != nil
}

// cover adds the marks of all names of a person, as far as there is room, and
// reports whether the ban has changed. The ban shares no memory with the former
// one.
func (b *Ban) cover(p *Person) (changed bool) {
	b.Apps, b.Marks = slices.Clone(b.Apps), slices.Clone(b.Marks)
	for _, m := range b.Key.marksOf(p) {
		if !slices.Contains(b.Marks, m) && len(b.Marks) < maxBanMarks {
			b.Marks, changed = append(b.Marks, m), true
		}
	}
	for _, a := range p.Accounts {
		if !slices.Contains(b.Apps, a.AppID) && len(b.Apps) < maxBanApps {
			b.Apps, changed = append(b.Apps, a.AppID), true
		}
	}
	return changed
}

// Following returns the ban as it is to be stored when its person loses a name
// or is erased, and whether that changes it: see [BanSet.Following].
func (b Ban) Following(p *Person, erased bool) (_ Ban, changed bool) {
	person := b.Person
	switch {
	case erased:
		b.Person = ""
	case b.Person == "":
		b.Person = p.ID // the person signed in again, by way of an older gateway
	}
	covered := b.cover(p)
	return b, covered || b.Person != person
}

// with returns the ban with the marks of an imported copy, and whether that
// adds any.
func (b Ban) with(copied *Ban) (both Ban, changed bool) {
	b.Apps, b.Marks = slices.Clone(b.Apps), slices.Clone(b.Marks)
	for _, m := range copied.Marks {
		if !slices.Contains(b.Marks, m) && len(b.Marks) < maxBanMarks {
			b.Marks, changed = append(b.Marks, m), true
		}
	}
	for _, app := range copied.Apps {
		if !slices.Contains(b.Apps, app) && len(b.Apps) < maxBanApps {
			b.Apps, changed = append(b.Apps, app), true
		}
	}
	return b, changed
}
