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
	actions := map[string]Remedy{
		"retry": RemedyRetry, "restart": RemedyRestart, "reuse_or_restart": RemedyReuse, "refresh_or_restart": RemedyRefresh,
		"alert": RemedyAlert, "refresh_or_alert": RemedyRenew, "stop_alert": RemedyStop, "alert_backoff": RemedyBackoff,
		"deny": RemedyDeny, "start_page": RemedyStartPage, "client_relogin": RemedyRelogin,
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
			want = RemedyThrottled // a retry too, but not within seconds
		}
		if got, known := errcodes[row.Code]; !ok || !known || got != want || RemedyOf(row.Code) != want {
			t.Errorf("%d: kind %q, want %q (%s)", row.Code, got, want, row.Action)
		}
	}
	if RemedyOf(0) != "" || RemedyOf(123456) != RemedyAlert || RemedyOf(-2) != RemedyAlert {
		t.Error("0 is no error, an unknown code is an alert")
	}
}

func TestKindsAndSentinels(t *testing.T) {
	t.Parallel()
	all := []error{
		ErrRetry, ErrRestart, ErrReuse, ErrRefresh, ErrAlert, ErrRenew, ErrStop, ErrBackoff,
		ErrDeny, ErrStartPage, ErrRelogin, ErrUnavailable, ErrUncertain, ErrThrottled, ErrForeignCode,
	}
	is := map[Remedy][]error{
		RemedyRetry: {ErrRetry}, RemedyRestart: {ErrRestart}, RemedyReuse: {ErrReuse, ErrRestart}, RemedyRefresh: {ErrRefresh, ErrRestart},
		RemedyAlert: {ErrAlert}, RemedyRenew: {ErrRenew, ErrAlert}, RemedyStop: {ErrStop, ErrAlert}, RemedyBackoff: {ErrBackoff, ErrAlert},
		RemedyDeny: {ErrDeny}, RemedyStartPage: {ErrStartPage}, RemedyRelogin: {ErrRelogin},
		RemedyThrottled: {ErrThrottled, ErrRetry}, RemedyForeignCode: {ErrForeignCode, ErrAlert},
		RemedyUnavailable: {ErrUnavailable}, RemedyUncertain: {ErrUncertain}, "": nil, "other": nil,
	}
	for kind, want := range is {
		err := fmt.Errorf("wrapped: %w", &Error{Op: "exchange", Remedy: kind, Err: context.Canceled})
		for _, sentinel := range all {
			if errors.Is(err, sentinel) != slices.Contains(want, sentinel) {
				t.Errorf("kind %q, sentinel %q: errors.Is is %t", kind, sentinel, errors.Is(err, sentinel))
			}
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.Remedy != kind || !errors.Is(err, context.Canceled) {
			t.Errorf("kind %q: neither kind nor cause is found", kind)
		}
	}
}

func TestCodesMeanWhatTheirCallMakesOfThem(t *testing.T) {
	t.Parallel()
	cases := []struct {
		op   string
		code int
		want Remedy
	}{
		{"exchange", 40001, RemedyAlert},
		{"refresh", 40001, RemedyRestart},
		{"userinfo", 40001, RemedyRefresh},
		{"userinfo", 40003, RemedyAlert},
		{"userinfo", 40014, RemedyRefresh},
		{"refresh", 40014, RemedyRestart},
		{"refresh", 42001, RemedyRestart},
		{"refresh", 42002, RemedyRestart},
		{"exchange", 40163, RemedyReuse},
		{"exchange", -1, RemedyRetry},
		{"exchange", 45009, RemedyStop},
		{"userinfo", 48001, RemedyAlert},
		{"exchange", 99999, RemedyAlert},
		{"login", 40029, RemedyRestart},
		{"login", 40163, RemedyReuse},
		{"login", 40226, RemedyDeny},
		{"login", 45011, RemedyThrottled},
		{"login", -1, RemedyRetry},
		{"login", 40001, RemedyAlert},
		{"login", 40125, RemedyAlert},
		{"token", 40001, RemedyAlert},
		{"token", 40164, RemedyAlert},
		{"token", 40243, RemedyAlert},
		{"token", 45009, RemedyStop},
		{"token", 89503, RemedyBackoff},
		{"ticket", 40001, RemedyRenew},
		{"ticket", 42001, RemedyRenew},
		{"follower", 40014, RemedyRenew},
		{"follower", 40003, RemedyDeny},
		{"qrcode", 48001, RemedyAlert},
		{"qrcode", 42001, RemedyRenew},
		{"phone", 40014, RemedyRenew},
		{"phone", 42001, RemedyRenew},
		{"phone", 40029, RemedyRestart},
		{"phone", 45011, RemedyThrottled},
		{"phone", 40001, RemedyRenew},
		{"phone", 40003, RemedyForeignCode},
	}
	for _, tc := range cases {
		t.Run(fmt.Sprintf("%s %d", tc.op, tc.code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &hurriedServer{says: slices.Repeat([]string{fmt.Sprintf(`{"errcode":%d,"errmsg":"x"}`, tc.code)}, 3)}
				c := pipe(&Client{}, s.serve)
				defer c.CloseIdle()
				e, ok := errors.AsType[*Error](calls[tc.op](t, c))
				if !ok || e.Op != tc.op || e.Code != tc.code || e.Remedy != tc.want || e.HTTPStatus != 200 || !e.Answered() {
					t.Errorf("%+v, want kind %q", e, tc.want)
				}
			})
		})
	}
}
