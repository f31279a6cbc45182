package profile

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/advice"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// While WeChat does not answer, the profiles that are not fetched have no line
// each.
func TestAttackStaleProfilesFillTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text := new(strings.Builder)
		u := &Refresher{Logger: slog.New(slog.NewTextHandler(text, nil))}
		for range 6000 {
			u.logUnfetched(task{person: "ab2cd3ef4gh5ij6kl7mnopqrst"}, wechat.ErrUnavailable)
			time.Sleep(10 * time.Millisecond) // a minute in all
		}
		if n := strings.Count(text.String(), "profile not fetched"); n < 30 || n > 40 {
			t.Errorf("%d lines", n)
		}
		if !strings.Contains(text.String(), "left_out=999") && !strings.Contains(text.String(), "left_out=1000") {
			t.Error("the lines that were left out are not counted")
		}
	})
}

// Without keys, refresh tokens cannot be sealed: sign-ins go on, and have no
// line each.
func TestAttackUnsealedTokensFillTheLog(t *testing.T) {
	t.Parallel()
	text := new(strings.Builder)
	f := &Refresher{Keys: new(session.Ring), Logger: slog.New(slog.NewTextHandler(text, nil))}
	for range 300 {
		if sealed := f.Keep(wechat.Token{OpenID: "o", Scope: wechat.ScopeUserInfo, RefreshToken: wechat.NewSecret("refresh")}); sealed != nil {
			t.Fatalf("sealed without a key: %q", sealed)
		}
	}
	if n := strings.Count(text.String(), "could not seal the refresh token"); n < 1 || n > 31 {
		t.Errorf("%d lines", n)
	}
}

// A profile that WeChat refused has the errcode in its line, and what to do.
func TestUnfetchedProfileNamesTheFix(t *testing.T) {
	t.Parallel()
	text := new(strings.Builder)
	u := &Refresher{Logger: slog.New(slog.NewTextHandler(text, nil))}
	u.logUnfetched(task{person: "ab2cd3ef4gh5ij6kl7mnopqrst"}, &wechat.Error{Op: "refresh", Code: 42002, RID: "abc"})
	for _, want := range []string{"errcode=42002", "rid=abc", "fix=" + strconv.Quote(advice.FixOfCode(42002))} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}
