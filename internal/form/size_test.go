package form

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// Attack: each byte of a field takes six in the answer. The length that counts
// is that in the answer, too.
func TestAttackFormThatGrowsInItsPage(t *testing.T) {
	t.Parallel()
	field := func(name, value string) string { return parts([2]string{`name="` + name + `"`, value}) }
	for name, row := range map[string]struct {
		kind, body string
		err        error
	}{
		"control characters":          {multipartType, field("a", strings.Repeat("\x01", MaxSize-2)), ErrTooLarge},
		"some of them":                {multipartType, field("a", strings.Repeat("\x01", MaxSize/4)), nil},
		"tags":                        {multipartType, field("a", strings.Repeat("<", MaxSize-2)), ErrTooLarge},
		"bytes of three":              {multipartType, field("a", strings.Repeat("\x80", MaxSize-2)), ErrTooLarge},
		"Chinese text of 0.8 MiB":     {multipartType, field("a", strings.Repeat("明", MaxSize*8/10/3)), nil},
		"1 MiB of Latin letters":      {multipartType, field("a", strings.Repeat("x", MaxSize-2)), nil},
		"control characters, pairs":   {urlencoded, "a=" + strings.Repeat("\x01", MaxSize-2), ErrTooLarge},
		"many fields with tags":       {urlencoded, strings.Repeat("a="+strings.Repeat("<", 500)+"&", MaxFields), ErrTooLarge},
		"a name longer than a header": {urlencoded, strings.Repeat("a_", maxPartHeader) + "=1", ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := Read(strings.NewReader(row.body), row.kind)
			if !errors.Is(err, row.err) {
				t.Fatalf("%v, want %v", err, row.err)
			}
			if text, err := json.Marshal(f); err != nil || len(text) > 2*MaxSize {
				t.Errorf("%d bytes (%v), want at most %d", len(text), err, 2*MaxSize)
			}
		})
	}
}

// Every byte is written as the character that it is in windows-1252.
func TestMarshalJSONWritesEveryByte(t *testing.T) {
	t.Parallel()
	all, want := make([]byte, 256), make([]rune, 256)
	for i := range all {
		all[i], want[i] = byte(i), rune(i)
	}
	copy(want[0x80:], []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"))
	f := Form{Multipart: true, Fields: []Field{{Name: string(all), Value: string(all)}, {Name: "f", Kind: File}}}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Multipart bool
		Fields    [][3]string
	}
	if err := json.Unmarshal(text, &got); err != nil || !got.Multipart || len(got.Fields) != 2 {
		t.Fatalf("%s: %v", text, err)
	}
	if f := got.Fields; f[0] != [3]string{string(want), string(want), ""} || f[1] != [3]string{"f", "", "file"} {
		t.Errorf("wrote %q", f)
	}
	if strings.ContainsAny(string(text), "<>&\x00") {
		t.Errorf("not escaped for HTML: %s", text)
	}
	if text, err := json.Marshal(Form{}); err != nil || string(text) != `{"multipart":false,"fields":[]}` {
		t.Errorf("an empty form: %s (%v)", text, err)
	}
}
