package session

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// keysAt is a file with keys made at these times after noon.
func keysAt(ages ...time.Duration) keyFile {
	file := keyFile{Version: keyFileVersion}
	for _, age := range ages {
		file.Keys = append(file.Keys, newStoredKey(noon.Add(age)))
	}
	return file
}

func TestKeyFileTimes(t *testing.T) {
	t.Parallel()
	const day, month = 24 * time.Hour, 30 * 24 * time.Hour
	for _, c := range []struct {
		name string
		keys []time.Duration
		now  time.Duration
		seal int  // which seals
		lost int  // how many are dropped
		due  bool // a new one is added
	}{
		{"the first seals at once", []time.Duration{0}, 0, 0, 0, false},
		{"a month old", []time.Duration{0}, month, 0, 0, true},
		{"a new one is only known", []time.Duration{0, month}, month + keyGrace - 1, 0, 0, false},
		{"a new one seals", []time.Duration{0, month}, month + keyGrace, 1, 0, false},
		{"the old one opens on", []time.Duration{0, month}, 2*month + 2*keyGrace - 1, 1, 0, true},
		{"the old one is dropped", []time.Duration{0, month}, 2*month + 2*keyGrace, 1, 1, true},
		{"several are dropped", []time.Duration{0, day, 2 * day}, 3 * month, 2, 2, true},
		{"a clock behind", []time.Duration{0, month}, -day, 0, 0, false},
		{"a key from the future", []time.Duration{0, 900 * month}, month, 0, 0, false},
		{"out of order", []time.Duration{900 * month, 0}, day, 1, 0, false},
	} {
		file, now := keysAt(c.keys...), noon.Add(c.now)
		if got := file.sealing(now); got != c.seal {
			t.Errorf("%s: key %d seals, want %d", c.name, got, c.seal)
		}
		next, changed := file.next(now, month, month)
		want := len(c.keys) - c.lost
		if c.due {
			want++
		}
		if len(next.Keys) != want || changed != (c.due || c.lost > 0) {
			t.Errorf("%s: %d keys next (changed: %t), want %d", c.name, len(next.Keys), changed, want)
		}
		alive := file.alive(now, month)
		if seal := alive.Keys[alive.sealing(now)]; seal.ID != file.Keys[c.seal].ID {
			t.Errorf("%s: the sealing key was dropped", c.name)
		}
		if first := alive.secrets(now)[0]; !bytes.Equal(first, file.Keys[c.seal].Secret) {
			t.Errorf("%s: the sealing key does not come first", c.name)
		}
	}
}

func TestKeyFileRoundTrip(t *testing.T) {
	t.Parallel()
	file := keysAt(0, time.Hour)
	data, err := file.encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := parseKeyFile(data)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range again.Keys {
		if k.ID != file.Keys[i].ID || !bytes.Equal(k.Secret, file.Keys[i].Secret) || !k.Created.Equal(file.Keys[i].Created) {
			t.Errorf("key %d changed", i)
		}
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	t.Parallel()
	file := keysAt(0)
	plain := []byte(file.Keys[0].Secret)
	k, err := newKey(plain)
	if err != nil {
		t.Fatal(err)
	}
	var out string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		out += fmt.Sprintf(verb+verb+"\n", file, k)
	}
	for _, form := range []string{
		string(plain), fmt.Sprintf("%x", plain), fmt.Sprint(plain), fmt.Sprintf("%#v", plain),
		base64.StdEncoding.EncodeToString(plain), strings.Trim(fmt.Sprint(plain), "[]"),
	} {
		if strings.Contains(out, form) {
			t.Errorf("a secret is printed in %s", out)
		}
	}
}

func TestKeyFileIsStrict(t *testing.T) {
	t.Parallel()
	const good = `{"version":1,"keys":[{"id":"a","secret":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MDE=","created":"2026-01-01T00:00:00Z"}]}`
	if _, err := parseKeyFile([]byte(good)); err != nil {
		t.Fatal(err)
	}
	if _, err := parseKeyFile([]byte("\ufeff" + good)); err != nil {
		t.Errorf("with a byte order mark: %v", err)
	}
	for name, empty := range map[string]string{"0 bytes": "", "a line break": "\n", "a mark alone": "\ufeff"} {
		if _, err := parseKeyFile([]byte(empty)); !errors.Is(err, ErrKeyFile) || !strings.Contains(err.Error(), "it was cut off; restore the backup, or remove it to begin anew") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, more := range []string{`"later":{"field":[1]},`, `"superseded":"2026-02-01T00:00:00Z",`, `"superseded":null,`} {
		if _, err := parseKeyFile([]byte(strings.Replace(good, `:1,`, `:1,`+more, 1))); err != nil {
			t.Errorf("%s: %v", more, err)
		}
	}
	key := good[strings.Index(good, `[`)+1 : strings.Index(good, `]`)]
	for name, data := range map[string]string{
		"nothing":        "",
		"null":           "null",
		"zeros":          strings.Repeat("\x00", 100),
		"cut short":      good[:len(good)-2],
		"more":           good + "{}",
		"no version":     strings.Replace(good, `"version":1,`, "", 1),
		"later version":  strings.Replace(good, `:1,`, `:2,`, 1),
		"no keys":        `{"version":1,"keys":[]}`,
		"too many keys":  `{"version":1,"keys":[` + strings.Repeat(key+",", keyFileKeys) + key + `]}`,
		"short secret":   strings.Replace(good, "c2VjcmV0c2Vj", "", 1),
		"secret missing": strings.Replace(good, `"secret"`, `"s"`, 1),
		"not base64":     strings.Replace(good, "c2Vj", "$$$$", 1),
		"no id":          strings.Replace(good, `"a"`, `""`, 1),
		"no time":        strings.Replace(good, "2026-01-01T00:00:00Z", "soon", 1),
		"time missing":   strings.Replace(good, `"created"`, `"c"`, 1),
		"odd moment":     strings.Replace(good, `:1,`, `:1,"superseded":"0001-01-02T00:00:00Z",`, 1),
		"no moment":      strings.Replace(good, `:1,`, `:1,"superseded":"soon",`, 1),
		"too big":        good + strings.Repeat(" ", keyFileMax),
	} {
		_, err := parseKeyFile([]byte(data))
		if !errors.Is(err, ErrKeyFile) || errors.Is(err, ErrNone) {
			t.Errorf("%s: got %v, want ErrKeyFile", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "c2Vj") || strings.Contains(err.Error(), "$")) {
			t.Errorf("%s: %q quotes the data", name, err)
		}
	}
}

func FuzzKeyFile(f *testing.F) {
	data, err := keysAt(0, time.Hour).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, int64(0))
	superseded := keysAt(0)
	superseded.Superseded = noon.Add(time.Hour)
	if data, err = superseded.encode(); err != nil {
		f.Fatal(err)
	}
	f.Add(data, noon.Unix())
	f.Add([]byte(`{"version":1,"keys":[{}]}`), int64(1<<40))
	f.Fuzz(func(t *testing.T, data []byte, second int64) {
		file, err := parseKeyFile(data)
		if err != nil {
			if !errors.Is(err, ErrKeyFile) {
				t.Fatalf("got %v, want ErrKeyFile", err)
			}
			return
		}
		now := time.Unix(second%maxSecond, 0)
		next, _ := file.next(now, DefaultRotate, DefaultLifetime)
		secrets := next.secrets(now)
		if len(secrets) != len(next.Keys) || len(next.Keys) == 0 || len(next.Keys) > len(file.Keys)+1 {
			t.Fatalf("%d keys became %d with %d secrets", len(file.Keys), len(next.Keys), len(secrets))
		}
		for _, s := range secrets {
			if len(s) != secretSize {
				t.Fatalf("a secret of %d bytes", len(s))
			}
		}
	})
}
