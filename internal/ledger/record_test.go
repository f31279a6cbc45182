package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func fullPerson(accounts, merged int) Person {
	at := time.Date(2040, 2, 3, 4, 5, 6, 0, time.UTC) // beyond 2038
	p := Person{
		ID: NewID(), UnionID: strings.Repeat(`"`, maxIdentifier), seq: 1<<64 - 1, Version: 1<<64 - 1,
		Nickname: "x" + strings.Repeat("\u2028", maxNickname/3-1) + "x", AvatarURL: "https://" + strings.Repeat("&", maxAvatar-8),
		ProfileAt: at, FirstSeen: at, LastSeen: time.Unix(MaxTime, 0).UTC(),
	}
	for i := range accounts {
		app := fmt.Sprintf("%03d%s", i, strings.Repeat(`\`, maxIdentifier-3))
		p.Accounts = append(p.Accounts, Account{
			AppID: app, OpenID: app, ConsentAt: at, FirstSeen: at, LastSeen: at,
			Grant: bytes.Repeat([]byte{1}, maxSealed), SessionKey: bytes.Repeat([]byte{2}, maxSealed),
			Phone: strings.Repeat(`"`, maxPhone), PhoneAt: at, Follow: FollowsNot, FollowAt: at, FollowPushed: at,
		})
	}
	for range merged {
		p.Merged = append(p.Merged, NewID())
	}
	return p
}

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	for _, p := range []Person{
		fullPerson(maxAccounts, maxMerged), // the largest there can be fits
		fullPerson(0, 0),
		{ID: NewID(), FirstSeen: time.Unix(1, 0).UTC(), Accounts: []Account{{AppID: "a", OpenID: "o"}}},
	} {
		data, err := EncodePerson(&p)
		if err != nil {
			t.Fatal(err)
		}
		q, err := DecodePerson(data)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(p, q) {
			t.Errorf("got  %+v\nwant %+v", q, p)
		}
	}
}

func TestRecordRefused(t *testing.T) {
	t.Parallel()
	const id = `"id":"abcdefghijklmnopqrstuvwxyz"`
	sealed := strings.Repeat("A", (maxSealed/3+1)*4)
	good := `{"v":1,` + id + `,"s":1,"r":1,"a":[{"a":"wxA","o":"oA","f":1,"l":1}],"f":1,"l":1}`
	if _, err := DecodePerson([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"nothing":          ``,
		"no JSON":          `openid`,
		"cut off":          good[:len(good)-1],
		"trailing bytes":   good + `x`,
		"second value":     good + good,
		"null":             `null`,
		"list":             `[]`,
		"no version":       strings.Replace(good, `"v":1,`, ``, 1),
		"version 0":        strings.Replace(good, `"v":1`, `"v":0`, 1),
		"newer version":    strings.Replace(good, `"v":1`, `"v":4`, 1),
		"newer field":      strings.Replace(good, `"v":1`, `"v":4,"new":{}`, 1),
		"bad phone":        strings.Replace(good, `"o":"oA"`, `"o":"oA","t":"1\n"`, 1),
		"long phone":       strings.Replace(good, `"o":"oA"`, `"o":"oA","t":"`+strings.Repeat("1", maxPhone+1)+`"`, 1),
		"long grant":       strings.Replace(good, `"o":"oA"`, `"o":"oA","g":"`+sealed+`"`, 1),
		"long session key": strings.Replace(good, `"o":"oA"`, `"o":"oA","k":"`+sealed+`"`, 1),
		"bad grant":        strings.Replace(good, `"o":"oA"`, `"o":"oA","g":"*"`, 1),
		"unknown field":    strings.Replace(good, `"v":1`, `"v":1,"new":{}`, 1),
		"bad follow":       strings.Replace(good, `"o":"oA"`, `"o":"oA","w":3`, 1),
		"no id":            strings.Replace(good, id, `"id":""`, 1),
		"bad id":           strings.Replace(good, id, `"id":"ABCDEFGHIJKLMNOPQRSTUVWXYZ"`, 1),
		"bad unionid":      strings.Replace(good, `"s":1`, `"s":1,"u":"a b"`, 1),
		"bad app id":       strings.Replace(good, `wxA`, ``, 1),
		"bad openid":       strings.Replace(good, `oA`, `o\r\n`, 1),
		"openid twice":     strings.Replace(good, `"a":[`, `"a":[{"a":"wxA","o":"oA","f":1,"l":1},`, 1),
		"bad merged id":    strings.Replace(good, `"s":1`, `"s":1,"m":["x"]`, 1),
		"merged with self": strings.Replace(good, `"s":1`, `"s":1,"m":["abcdefghijklmnopqrstuvwxyz"]`, 1),
		"script avatar":    strings.Replace(good, `"s":1`, `"s":1,"i":"javascript:alert(1)"`, 1),
		"dirty nickname":   strings.Replace(good, `"s":1`, `"s":1,"n":"a\nb"`, 1),
		"negative time":    strings.Replace(good, `"f":1,"l":1}],"f":1`, `"f":1,"l":1}],"f":-1`, 1),
		"far time":         strings.Replace(good, `"l":1}`, `"l":253402300800}`, 1),
		"too many":         strings.Replace(good, `"s":1`, `"s":1,"m":["`+strings.Repeat(id[6:32]+`","`, maxMerged)+id[6:32]+`"]`, 1),
		"too long":         strings.Repeat(" ", maxRecord) + good,
	} {
		if _, err := DecodePerson([]byte(data)); !errors.Is(err, ErrCorrupt) || !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		} else if strings.Contains(err.Error(), "oA") {
			t.Errorf("%s: the error quotes the record: %v", name, err)
		}
	}
	if _, err := DecodePerson([]byte(strings.Replace(good, `"v":1`, `"v":4,"new":{}`, 1))); !strings.Contains(err.Error(), "newer") {
		t.Errorf("a newer record: %v", err)
	}
}

func TestRecordTooLarge(t *testing.T) {
	t.Parallel()
	p := fullPerson(4*maxAccounts, 0)
	if _, err := EncodePerson(&p); !errors.Is(err, ErrUnavailable) {
		t.Errorf("encode: %v", err)
	}
}

// TestRecordVersions: what older gateways wrote can be read, and what they can
// read is written as they do.
func TestRecordVersions(t *testing.T) {
	t.Parallel()
	const old = `{"v":1,"id":"abcdefghijklmnopqrstuvwxyz","s":1,"r":1,"a":[{"a":"wxA","o":"oA","c":5,"f":1,"l":1}],"f":1,"l":1}`
	p, err := DecodePerson([]byte(old))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := EncodePerson(&p); err != nil || strings.TrimSpace(string(again)) != old {
		t.Errorf("%s, %v", again, err)
	}
	p.Accounts[0].Phone = "1"
	if newer, err := EncodePerson(&p); err != nil || !strings.HasPrefix(string(newer), `{"v":2,`) {
		t.Errorf("%s, %v", newer, err)
	}
	p.Accounts[0].Follow = Follows
	if newest, err := EncodePerson(&p); err != nil || !strings.HasPrefix(string(newest), `{"v":3,`) {
		t.Errorf("%s, %v", newest, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, p := range []Person{fullPerson(2, 2), fullPerson(0, 0), {ID: NewID()}} {
		data, _ := EncodePerson(&p)
		f.Add(data)
	}
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte(`{"v":1,"id":"abcdefghijklmnopqrstuvwxyz","n":"\ud800"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodePerson(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v is no ErrCorrupt", err)
			}
			return
		}
		again, err := EncodePerson(&p) // whatever is accepted can be written back without loss
		if err != nil {
			t.Fatal(err)
		}
		if q, err := DecodePerson(again); err != nil || !reflect.DeepEqual(p, q) {
			t.Fatalf("%v\n%+v\n%+v", err, p, q)
		}
	})
}

func FuzzProfile(f *testing.F) {
	f.Add("小明\r\n", "https://a.example/x")
	f.Add(strings.Repeat("明", 300), "javascript:alert(1)")
	f.Add(strings.Repeat(" \xff", 600), `https://a.example/"onerror=`)
	f.Fuzz(func(t *testing.T, nickname, avatar string) {
		p := (&Profile{nickname, avatar}).clean()
		if p == nil {
			return
		}
		if len(p.Nickname) > maxNickname || !utf8.ValidString(p.Nickname) || strings.ContainsAny(p.Nickname, "\r\n\x00\x7f") {
			t.Errorf("nickname %q", p.Nickname)
		}
		if p.AvatarURL != "" && (!strings.HasPrefix(p.AvatarURL, "http") || strings.ContainsAny(p.AvatarURL, "\"'<> \r\n")) {
			t.Errorf("avatar %q", p.AvatarURL)
		}
		if again := p.clean(); again == nil || *again != *p {
			t.Errorf("cleaning twice gives %+v, then %+v", p, again)
		}
	})
}
