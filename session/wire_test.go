package session_test

import (
	"bytes"
	"encoding"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

var (
	_ encoding.BinaryMarshaler   = (*session.Session)(nil)
	_ encoding.BinaryUnmarshaler = (*session.Session)(nil)
)

// wire is one session as it is on the wire, piece by piece: the format is
// fixed, sessions of an older release must load in a newer one.
func wire() [][]byte {
	return [][]byte{
		{1},                               // 0 version
		{3},                               // 1 flags: guest, declined
		[]byte("0123456789abcdef"),        // 2 id
		{2},                               // 3 scope
		[]byte("\x02p1"),                  // 4 person
		[]byte("\x03o_1"),                 // 5 openid
		{0x80, 0xc6, 0x86, 0x8f, 0x8d, 2}, // 6 created
		{0xac, 0x02},                      // 7 renewed 300 s later
		{0x01},                            // 8 declined
	}
}

func TestWireFormat(t *testing.T) {
	t.Parallel()
	var s session.Session
	data := bytes.Join(wire(), nil)
	if err := s.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	created := int64(0x80&0x7f) | 0x46<<7 | 0x06<<14 | 0x0f<<21 | 0x0d<<28 | 2<<35
	want := session.Session{
		ID: session.ID([]byte("0123456789abcdef")), Person: "p1", OpenID: "o_1",
		Scope: session.ScopeUserInfo, Guest: true,
		Declined: time.Unix(1, 0).UTC(),
		Created:  time.Unix(created, 0).UTC(),
		Renewed:  time.Unix(created+300, 0).UTC(),
	}
	if s != want {
		t.Errorf("decoded %s, want %s", fields(s), fields(want))
	}
	again, err := s.MarshalBinary()
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("encoded %x (%v), want %x", again, err, data)
	}
}

// Timestamps after 2038 sent visitors of another gateway round in circles.
func TestWireFarTimes(t *testing.T) {
	t.Parallel()
	for _, year := range []int{2026, 2039, 2107, 9999} {
		s := newSession()
		s.Created = time.Date(year, 1, 2, 3, 4, 5, 0, time.UTC)
		s.Renewed = s.Created.Add(30 * 24 * time.Hour)
		s.Declined = s.Created
		data, err := s.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		got := session.Session{Site: s.Site, AppID: s.AppID}
		if err := got.UnmarshalBinary(data); err != nil || got != *s {
			t.Errorf("%d: got %s (%v), want %s", year, fields(got), err, fields(*s))
		}
	}
	s := newSession()
	s.Renewed = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := s.MarshalBinary(); !errors.Is(err, session.ErrInvalid) {
		t.Errorf("the year 10000 gave %v, want ErrInvalid", err)
	}
}

func TestWireIsStrict(t *testing.T) {
	t.Parallel()
	long := func(n int) []byte { return append([]byte{byte(n)}, strings.Repeat("a", n)...) }
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}
	for _, c := range []struct {
		name  string
		piece int
		bytes []byte
	}{
		{"version 0", 0, []byte{0}},
		{"version 2 without audience and line", 0, []byte{2}},
		{"version 3", 0, []byte{3}},
		{"unknown flag", 1, []byte{35}},
		{"version 1 with a line", 1, []byte{7}},
		{"version 1 with an audience", 1, []byte{11}},
		{"declined time without its flag", 1, []byte{1}},
		{"no id", 2, make([]byte, 16)},
		{"scope 0", 3, []byte{0}},
		{"scope 6", 3, []byte{6}},
		{"scope 255", 3, []byte{255}},
		{"long person", 4, long(65)},
		{"long openid", 5, long(65)},
		{"person runs past the end", 4, []byte("\x40p")},
		{"person with a line break", 4, []byte("\x02\r\n")},
		{"openid with a space", 5, []byte("\x03o 1")},
		{"openid not ASCII", 5, []byte("\x03\xe5\xbe\xae")},
		{"created 0", 6, []byte{0}},
		{"created too far", 6, huge},
		{"created not a number", 6, bytes.Repeat([]byte{0xff}, 11)},
		{"created longer than needed", 6, []byte{0x81, 0x00}},
		{"renewed too far", 7, huge},
		{"renewed longer than needed", 7, []byte{0xac, 0x82, 0x00}},
		{"declined 0", 8, []byte{0}},
		{"declined missing", 8, nil},
		{"declined longer than needed", 8, []byte{0x81, 0x80, 0x00}},
		{"a byte too many", 8, []byte{1, 0}},
	} {
		pieces := wire()
		pieces[c.piece] = c.bytes
		refused(t, c.name, bytes.Join(pieces, nil))
	}
	whole := bytes.Join(wire(), nil)
	for n := range whole {
		refused(t, "cut short", whole[:n])
	}
	refused(t, "twice", append(whole, whole...))
	// Nobody: a session with neither person nor openid that is no guest.
	pieces := wire()
	pieces[1], pieces[4], pieces[5] = []byte{2}, []byte{0}, []byte{0}
	refused(t, "nobody", bytes.Join(pieces, nil))
}

// refused checks that bytes are malformed and that a session stays as it was.
func refused(t *testing.T, name string, data []byte) {
	t.Helper()
	s := newSession()
	before := *s
	err := s.UnmarshalBinary(data)
	if !errors.Is(err, session.ErrMalformed) || !errors.Is(err, session.ErrNone) {
		t.Errorf("%s: got %v, want ErrMalformed", name, err)
	}
	if *s != before {
		t.Errorf("%s: the session was changed to %s", name, fields(*s))
	}
}

func FuzzWire(f *testing.F) {
	f.Add(bytes.Join(wire(), nil))
	data, err := newSession().MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var s session.Session
		if err := s.UnmarshalBinary(data); err != nil {
			if !errors.Is(err, session.ErrMalformed) {
				t.Fatalf("got %v, want ErrMalformed", err)
			}
			return
		}
		// One session, one form.
		again, err := s.MarshalBinary()
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x was decoded to %s and encoded to %x (%v)", data, fields(s), again, err)
		}
	})
}
