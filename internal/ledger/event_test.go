package ledger

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func fullEvent() Event {
	long := strings.Repeat(`"`, maxIdentifier)
	e := Event{
		ID: NewID(), Kind: ProfileChanged, Person: NewID(), From: NewID(), AppID: long, OpenID: long, UnionID: long,
		At: time.Unix(MaxTime, 0).UTC(), Scope: strings.Repeat(`\`, maxScope), Reason: strings.Repeat(`"`, MaxReason),
	}
	for range maxMerged {
		e.Aliases = append(e.Aliases, NewID())
	}
	return e
}

// TestEventLargest: the largest event there can be fits.
func TestEventLargest(t *testing.T) {
	t.Parallel()
	e := fullEvent()
	data, err := EncodeEvent(&e)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeEvent(data); err != nil || !reflect.DeepEqual(got, e) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestEventRefused(t *testing.T) {
	t.Parallel()
	const good = `{"i":"abcdefghijklmnopqrstuvwxyz","k":"merged","t":1}`
	if _, err := DecodeEvent([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"nothing": "", "no JSON": "openid", "cut off": good[:20], "trailing": good + "x", "null": "null",
		"newer field":  strings.Replace(good, `"t"`, `"new":1,"t"`, 1),
		"unknown kind": strings.Replace(good, "merged", "new", 1),
		"bad id":       strings.Replace(good, "abc", "ABC", 1),
		"bad person":   strings.Replace(good, `"t"`, `"p":"x","t"`, 1),
		"bad openid":   strings.Replace(good, `"t"`, `"o":"a b","t"`, 1),
		"no time":      strings.Replace(good, `"t":1`, `"t":0`, 1),
		"bad reason":   strings.Replace(good, `"t"`, `"r":"a\nb","t"`, 1),
		"too long":     strings.Repeat(" ", maxEvent) + good,
	} {
		if _, err := DecodeEvent([]byte(data)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
