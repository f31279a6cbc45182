package scan

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// An answer says itself until when it is good. One of the version before does
// not, and is over.
func TestScanAnswersHaveATime(t *testing.T) {
	t.Parallel()
	keys, err := session.NewRing(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		until func() int64
		want  bool
	}{
		"good":            {func() int64 { return time.Now().Add(time.Minute).UnixMilli() }, true},
		"over":            {func() int64 { return time.Now().Add(-time.Millisecond).UnixMilli() }, false},
		"no time":         {func() int64 { return 0 }, false},
		"from the future": {func() int64 { return time.Now().Add(time.Hour).UnixMilli() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := new(Board)
			plain, err := json.Marshal(Answer{By: []byte("phone"), Value: "v", Until: test.until()})
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := keys.Seal(purposeAnswer, "key", plain)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.shared().Put(context.Background(), "key", sealed, time.Minute); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := s.Read(context.Background(), keys, "key"); ok != test.want || err != nil {
				t.Errorf("read: %t %v, want %t", ok, err, test.want)
			}
		})
	}
}
