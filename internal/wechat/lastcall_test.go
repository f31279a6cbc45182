package wechat

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
)

// LastCall is the newest call with an outcome: an error code is an answer, and
// a visitor who leaves says nothing about WeChat.
func TestLastCall(t *testing.T) {
	t.Parallel()
	type says struct {
		status int
		body   string
	}
	var now atomic.Pointer[says]
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if status := now.Load().status; status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
		answer(now.Load().body)(w, r)
	})
	if last, ok := c.LastCall(); ok {
		t.Errorf("before the first call: %+v", last)
	}
	for _, step := range []struct {
		name string
		says says
		want error
		code int
	}{
		{"an answer", says{200, success}, nil, 0},
		{"an error code", says{200, `{"errcode":40029,"errmsg":"invalid code"}`}, ErrRestart, 40029},
		{"a broken server", says{502, ""}, ErrUnavailable, 0},
		{"an answer again", says{200, success}, nil, 0},
	} {
		t.Run(step.name, func(t *testing.T) {
			now.Store(&step.says)
			err := calls["exchange"](t, c)
			last, ok := c.LastCall()
			if !ok || last.Op != "exchange" || last.At.IsZero() || !errors.Is(last.Err, step.want) || !errors.Is(err, last.Err) {
				t.Errorf("%+v, want %v; the call gave %v", last, step.want, err)
			}
			if e, _ := errors.AsType[*Error](last.Err); step.code != 0 && (e == nil || e.Code != step.code) {
				t.Errorf("%+v, want code %d", last, step.code)
			}
		})
	}
	before, _ := c.LastCall()
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := c.Exchange(gone, testCred, testCode); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	if after, _ := c.LastCall(); after != before {
		t.Errorf("a visitor who left is the last call: %+v", after)
	}
}
