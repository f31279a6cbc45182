package signin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

func TestFinishOfErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want Finish
	}{
		{ErrTooBusy, Busy}, // it is a session.ErrUnavailable, too
		{ErrClientGone, Left},
		{context.Canceled, Left},
		{session.ErrUnavailable, StoreUnavailable},
		{ledger.ErrUnavailable, StoreUnavailable},
		{session.ErrEnded, Expired},
		{session.ErrReplaced, Expired},
		{ledger.ErrNotFound, Expired},
		{wechat.ErrRestart, CodeRefused},
		{wechat.ErrReuse, CodeRefused},
		{wechat.ErrStartPage, CodeRefused},
		{errOtherNonce, CodeRefused},
		{wechat.ErrDeny, Refused},
		{wechat.ErrAlert, WeChatError},
		{wechat.ErrStop, WeChatError},
		{wechat.ErrBackoff, WeChatError},
		{wechat.ErrRelogin, WeChatError},
		{wechat.ErrRetry, WeChatUnavailable},
		{wechat.ErrThrottled, WeChatUnavailable},
		{wechat.ErrUnavailable, WeChatUnavailable},
		{wechat.ErrUncertain, WeChatUnavailable},
		{fs.ErrPermission, InternalError},
		{errors.Join(wechat.ErrAlert, ledger.ErrUnavailable), StoreUnavailable},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{c.err, fmt.Errorf("x: %w", c.err), countedError{c.err}} {
				if got := FinishOf(Outcome{}, err); got != c.want || !slices.Contains(Finishes(), got) {
					t.Errorf("%v is %q, want %q", err, got, c.want)
				}
			}
		})
	}
}

// Every kind of account has a way, and no way belongs to two kinds.
func TestEveryKindHasWays(t *testing.T) {
	t.Parallel()
	seen := map[Way]wechat.AccountKind{}
	for _, kind := range wechat.AccountKinds() {
		ways := Ways(kind)
		if len(ways) == 0 {
			t.Errorf("%s has no way", kind)
		}
		for _, way := range ways {
			if other, twice := seen[way]; twice {
				t.Errorf("%s belongs to %s and to %s", way, other, kind)
			}
			seen[way] = kind
		}
		if way := WayOf(wechat.Account{Kind: kind}, wechat.ScopeBase); !slices.Contains(ways, way) {
			t.Errorf("%s signs in by %q", kind, way)
		}
	}
	if way := WayOf(wechat.Account{}, ""); way != "" {
		t.Errorf("no kind signs in by %q", way)
	}
}
