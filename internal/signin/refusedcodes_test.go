package signin

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Attack 39 again: invented codes fill what is remembered of them. The oldest
// are forgotten, and in the end all.
func TestAttackRefusedCodesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s refusedCodes
		refused := &wechat.Error{Op: "login", Code: 40029, Remedy: wechat.RemedyRestart}
		key := func(i int) resultKey { return resultKey{flow: fmt.Sprint(i)} }
		for i := range 2 * maxRefused {
			s.note(key(i), refused)
		}
		if len(s.all) != maxRefused || len(s.order) != maxRefused || s.find(key(0)) != nil || s.find(key(2*maxRefused-1)) == nil {
			t.Errorf("%d remembered, in an order of %d", len(s.all), len(s.order))
		}
		time.Sleep(refusedTTL)
		if s.find(key(2*maxRefused-1)) != nil || len(s.all) != 0 || len(s.order) != 0 {
			t.Errorf("%d remembered when all are over", len(s.all))
		}
	})
}
