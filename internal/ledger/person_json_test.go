package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

func FuzzPersonJSON(f *testing.F) {
	p := Person{
		ID: "abcdefghijklmnopqrstuvwxyz", UnionID: "u", Version: 1, FirstSeen: moment(1), LastSeen: moment(2),
		Accounts: []Account{{AppID: "wxA", OpenID: "oA", FirstSeen: moment(1), LastSeen: moment(2)}},
	}
	line, err := json.Marshal(p)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{line, []byte("{}"), []byte("null"), []byte(`{"id":"x"} {}`), bytes.ReplaceAll(line, []byte("wxA"), []byte("\u2028"))} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var p, q Person
		if err := p.UnmarshalJSON(data); err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		n, err := p.Normal()
		if err != nil {
			t.Fatalf("read, but no person: %v", err)
		}
		if _, err := EncodePerson(&n); err != nil {
			t.Fatalf("read, but cannot be kept: %v", err)
		}
		back, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(back, &q); err != nil || !reflect.DeepEqual(n, q) {
			t.Fatalf("%+v came back as %+v, %v", n, q, err)
		}
	})
}
