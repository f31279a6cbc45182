package session

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

var testBinding = Binding{Site: "https://shop.example.com", AppID: "wx0123456789abcdef", Audience: Cookie}

// testRecord returns a session with its record and value.
func testRecord(t testing.TB, keys *Ring) (*Session, idValue, string) {
	t.Helper()
	s := New(testBinding, "person", "openid", ScopeBase)
	s.ID, s.Line, s.secret = ID{4, 5, 6}, ID{7, 8, 9}, idSecret{1, 2, 3} // the same in all processes that fuzz
	record, err := sealRecord(keys, s)
	if err != nil {
		t.Fatal(err)
	}
	return s, s.idValue(newPlace(s)), record
}

func testRing(t testing.TB, letters string) *Ring {
	t.Helper()
	var secrets []string
	for _, c := range letters {
		secrets = append(secrets, strings.Repeat(string(c), 32))
	}
	ring, err := NewRing(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestRecordNeedsBothSecrets(t *testing.T) {
	t.Parallel()
	keys := testRing(t, "a")
	_, v, record := testRecord(t, keys)
	other := v
	other.secret[15] ^= 1
	another := v
	another.id[0] ^= 1
	strayed := v
	strayed.line[0] ^= 1
	for name, open := range map[string]func() (*Session, error){
		"another secret": func() (*Session, error) { return openRecord(keys, testBinding, other, record) },
		"another id":     func() (*Session, error) { return openRecord(keys, testBinding, another, record) },
		"another ring":   func() (*Session, error) { return openRecord(testRing(t, "bcdefgh"), testBinding, v, record) },
		"another binding": func() (*Session, error) {
			return openRecord(keys, Binding{Site: "https://a", AppID: "wx", Audience: Cookie}, v, record)
		},
		"another audience": func() (*Session, error) {
			return openRecord(keys, Binding{Site: testBinding.Site, AppID: testBinding.AppID, Audience: Token}, v, record)
		},
		"another line": func() (*Session, error) { return openRecord(keys, testBinding, strayed, record) },
	} {
		if s, err := open(); s != nil || !errors.Is(err, ErrTampered) && !errors.Is(err, errAudience) {
			t.Errorf("%s: it gave %v and %v", name, s, err)
		}
	}
	if _, err := openRecord(testRing(t, "ba"), testBinding, v, record); err != nil {
		t.Errorf("with a new key in front: %s", err)
	}
}

// Each byte of a record is authenticated, those in clear, too.
func TestRecordIsAuthenticated(t *testing.T) {
	t.Parallel()
	keys := testRing(t, "a")
	_, v, record := testRecord(t, keys)
	for i := range len(record) {
		for bit := range 8 {
			altered := []byte(record)
			altered[i] ^= 1 << bit
			if s, err := openRecord(keys, testBinding, v, string(altered)); s != nil || !errors.Is(err, ErrNone) {
				t.Fatalf("byte %d, bit %d: it gave %v and %v", i, bit, s, err)
			}
		}
		if s, err := openRecord(keys, testBinding, v, record[:i]); s != nil || !errors.Is(err, ErrNone) {
			t.Fatalf("cut at %d: it gave %v and %v", i, s, err)
		}
	}
}

func TestNonceIsNewEachTime(t *testing.T) {
	t.Parallel()
	keys := testRing(t, "a")
	s, _, first := testRecord(t, keys)
	second, err := sealRecord(keys, s)
	if err != nil || second == first {
		t.Errorf("two records of one session are the same: %v", err)
	}
}

// One person's keys share a slot, by the rules of Redis Cluster: what is
// between the first { and the first } after it.
func TestKeysShareASlot(t *testing.T) {
	t.Parallel()
	r := &Redis{Prefix: "shop:"}
	slots := map[string]bool{}
	for range 3 {
		p := newPlace(New(testBinding, "anna", "o", ScopeBase))
		for _, key := range []string{r.key("s", p.tag, p.ref), r.key("p", p.tag, p.person), r.key("e", p.tag, p.person)} {
			_, rest, _ := strings.Cut(key, "{")
			slot, _, _ := strings.Cut(rest, "}")
			slots[slot] = true
			if !strings.HasPrefix(key, "shop:") || len(slot) != tagLength {
				t.Errorf("key %q", key)
			}
		}
	}
	if len(slots) != 1 {
		t.Errorf("one person has %d slots", len(slots))
	}
}

func TestPrefixIsChecked(t *testing.T) {
	t.Parallel()
	for prefix, good := range map[string]bool{
		"": true, "shop:": true, "{shop}:": false, "a b": false, "a\n": false, strings.Repeat("a", 65): false,
	} {
		if err := (&Redis{Prefix: prefix}).Check(); errors.Is(err, ErrInvalid) == good {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}

func TestPackedTexts(t *testing.T) {
	t.Parallel()
	for n := range 70 {
		for _, text := range []string{strings.Repeat("Z_-9a", 14)[:n], strings.Repeat("a.b c", 14)[:n]} {
			out := appendPacked(nil, text)
			d := decoder{rest: out}
			if got := d.packed(64); n <= 64 && (got != text || d.bad || len(d.rest) != 0) || n > 64 && !d.bad {
				t.Errorf("%q became %q, bad %t", text, got, d.bad)
			}
			if cut := (&decoder{rest: out[:len(out)-1]}); n > 0 && (cut.packed(64) != "" || !cut.bad) {
				t.Errorf("%q cut short was read", text)
			}
		}
	}
}

func FuzzIDValue(f *testing.F) {
	keys := testRing(f, "ab")
	_, v, _ := testRecord(f, keys)
	good := v.format(keys, testBinding)
	f.Add(good)
	first := v
	first.line = ID{}
	goodFirst := first.format(keys, testBinding)
	f.Add(goodFirst)
	f.Add(good[:lineValueLength-1] + "\n")
	f.Add(strings.Repeat("A", idValueLength))
	f.Add(strings.Repeat("A", lineValueLength))
	f.Fuzz(func(t *testing.T, value string) {
		got, err := parseIDValue(keys, testBinding, value)
		if err == nil && (value != good || got != v) && (value != goodFirst || got != first) {
			t.Errorf("%q was accepted", value)
		}
		if err != nil && !errors.Is(err, ErrNone) {
			t.Errorf("it gave %v", err)
		}
	})
}

// A value of the right form, with a good code over any body: only canonical
// ones of our version are read, and give themselves again.
func FuzzIDValueBody(f *testing.F) {
	keys := testRing(f, "a")
	_, v, _ := testRecord(f, keys)
	f.Add(v.body())
	f.Add(idValue{tag: v.tag, id: v.id, secret: v.secret}.body())
	f.Fuzz(func(t *testing.T, body []byte) {
		size := idValueMAC
		if len(body) == lineValueBytes-lineValueMAC {
			size = lineValueMAC
		}
		mac := keys.MAC(purposeID, macData(testBinding, body))[:size]
		value := base64.RawURLEncoding.EncodeToString(append(bytes.Clone(body), mac...))
		got, err := parseIDValue(keys, testBinding, value)
		if err == nil && got.format(keys, testBinding) != value {
			t.Errorf("%q was read as another value", value)
		}
	})
}

func FuzzRecord(f *testing.F) {
	keys := testRing(f, "a")
	s, v, good := testRecord(f, keys)
	f.Add([]byte(good))
	f.Add([]byte(tombstone))
	f.Add([]byte{recordVersionOnce, 0, 0, 1, 0x80, 0x80, 0x80})
	f.Fuzz(func(t *testing.T, record []byte) {
		h, n, err := parseHeader(string(record))
		if err == nil && (n > len(record) || len(h.site) > maxSite || h.renewed.Before(h.created) || h.created.Year() > 9999) {
			t.Errorf("header %+v of %d bytes", h, n)
		}
		got, err := openRecord(keys, testBinding, v, string(record))
		if err != nil && !errors.Is(err, ErrNone) {
			t.Errorf("it gave %v", err)
		}
		if got != nil && got.ID != s.ID {
			t.Errorf("it opened to another session")
		}
	})
}

// Whatever arrives on the channel, a CachedStore stands.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{"", "l", "lAAABBBBBBBBBBBBBBBB", "b", "bNAME:1", "eAAABBBBBBBBBBBBBBBB", "cAAA", "pAAAAAAAAAAAAAAAA", "b:-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		n := &CachedStore{Store: Sealed{Keys: testRing(t, "a")}}
		value, err := n.Save(t.Context(), New(testBinding, "person", "openid", ScopeBase))
		if err != nil {
			t.Fatal(err)
		}
		(&cacheListener{near: n}).Receive(message)
		if _, err := n.Load(t.Context(), value, testBinding); err != nil {
			t.Errorf("after %q: %s", message, err)
		}
	})
}
