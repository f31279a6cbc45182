package wechat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

func TestEveryErrorCodeHasItsAction(t *testing.T) {
	t.Parallel()
	actions := map[string]Kind{
		"retry": KindRetry, "restart": KindRestart, "reuse_or_restart": KindReuse, "refresh_or_restart": KindRefresh,
		"alert": KindAlert, "refresh_or_alert": KindRenew, "stop_alert": KindStop, "alert_backoff": KindBackoff,
		"deny": KindDeny, "start_page": KindStartPage, "client_relogin": KindRelogin,
	}
	var file struct {
		Errors []struct {
			Code   int    `json:"code"`
			Action string `json:"action"`
		} `json:"api_errors"`
	}
	readJSON(t, "errcodes.json", &file)
	if len(file.Errors) != len(errcodes) {
		t.Errorf("%d codes in the file, %d in the table", len(file.Errors), len(errcodes))
	}
	for _, row := range file.Errors {
		want, ok := actions[row.Action]
		if row.Code == 45011 {
			want = KindThrottled // a retry too, but not within seconds
		}
		if got, known := errcodes[row.Code]; !ok || !known || got != want || KindOf(row.Code) != want {
			t.Errorf("%d: kind %q, want %q (%s)", row.Code, got, want, row.Action)
		}
	}
	if KindOf(0) != "" || KindOf(123456) != KindAlert || KindOf(-2) != KindAlert {
		t.Error("0 is no error, an unknown code is an alert")
	}
}

func TestKindsAndSentinels(t *testing.T) {
	t.Parallel()
	all := []error{
		ErrRetry, ErrRestart, ErrReuse, ErrRefresh, ErrAlert, ErrRenew, ErrStop, ErrBackoff,
		ErrDeny, ErrStartPage, ErrRelogin, ErrUnavailable, ErrUncertain, ErrThrottled, ErrForeignCode,
	}
	is := map[Kind][]error{
		KindRetry: {ErrRetry}, KindRestart: {ErrRestart}, KindReuse: {ErrReuse, ErrRestart}, KindRefresh: {ErrRefresh, ErrRestart},
		KindAlert: {ErrAlert}, KindRenew: {ErrRenew, ErrAlert}, KindStop: {ErrStop, ErrAlert}, KindBackoff: {ErrBackoff, ErrAlert},
		KindDeny: {ErrDeny}, KindStartPage: {ErrStartPage}, KindRelogin: {ErrRelogin},
		KindThrottled: {ErrThrottled, ErrRetry}, KindForeignCode: {ErrForeignCode, ErrAlert},
		KindUnavailable: {ErrUnavailable}, KindUncertain: {ErrUncertain}, "": nil, "other": nil,
	}
	for kind, want := range is {
		err := fmt.Errorf("wrapped: %w", &Error{Op: "exchange", Kind: kind, Err: context.Canceled})
		for _, sentinel := range all {
			if errors.Is(err, sentinel) != slices.Contains(want, sentinel) {
				t.Errorf("kind %q, sentinel %q: errors.Is is %t", kind, sentinel, errors.Is(err, sentinel))
			}
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.Kind != kind || !errors.Is(err, context.Canceled) {
			t.Errorf("kind %q: neither kind nor cause is found", kind)
		}
	}
}

func TestCodesMeanWhatTheirCallMakesOfThem(t *testing.T) {
	t.Parallel()
	cases := []struct {
		op   string
		code int
		want Kind
	}{
		{"exchange", 40001, KindAlert},
		{"refresh", 40001, KindRestart},
		{"userinfo", 40001, KindRefresh},
		{"userinfo", 40003, KindAlert},
		{"userinfo", 40014, KindRefresh},
		{"refresh", 40014, KindRestart},
		{"refresh", 42001, KindRestart},
		{"refresh", 42002, KindRestart},
		{"exchange", 40163, KindReuse},
		{"exchange", -1, KindRetry},
		{"exchange", 45009, KindStop},
		{"userinfo", 48001, KindAlert},
		{"exchange", 99999, KindAlert},
		{"login", 40029, KindRestart},
		{"login", 40163, KindReuse},
		{"login", 40226, KindDeny},
		{"login", 45011, KindThrottled},
		{"login", -1, KindRetry},
		{"login", 40001, KindAlert},
		{"login", 40125, KindAlert},
		{"token", 40001, KindAlert},
		{"token", 40164, KindAlert},
		{"token", 40243, KindAlert},
		{"token", 45009, KindStop},
		{"token", 89503, KindBackoff},
		{"ticket", 40001, KindRenew},
		{"ticket", 42001, KindRenew},
		{"follower", 40014, KindRenew},
		{"follower", 40003, KindAlert},
		{"phone", 40014, KindRenew},
		{"phone", 42001, KindRenew},
		{"phone", 40029, KindRestart},
		{"phone", 45011, KindThrottled},
		{"phone", 40001, KindRenew},
		{"phone", 40003, KindForeignCode},
	}
	for _, tc := range cases {
		t.Run(fmt.Sprintf("%s %d", tc.op, tc.code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &hurriedServer{says: slices.Repeat([]string{fmt.Sprintf(`{"errcode":%d,"errmsg":"x"}`, tc.code)}, 3)}
				c := pipe(&Client{}, s.serve)
				defer c.CloseIdle()
				e, ok := errors.AsType[*Error](calls[tc.op](t, c))
				if !ok || e.Op != tc.op || e.Code != tc.code || e.Kind != tc.want || e.HTTPStatus != 200 || !e.Answered() {
					t.Errorf("%+v, want kind %q", e, tc.want)
				}
			})
		})
	}
}
