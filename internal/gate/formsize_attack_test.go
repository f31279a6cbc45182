package gate_test

import (
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/form"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Attack: a form of 1 MiB makes an answer of 6 MiB and costs 84 MiB of memory.
// It runs alone: it counts what the whole process allocates, the browser of the
// test included.
func TestAttackFormThatGrowsInItsAnswer(t *testing.T) { //nolint:paralleltest // counts allocations
	const limit = 32 * form.MaxSize
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveOn))
	b := w.browser("alice")
	part := func(value string) string {
		return "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + value + "\r\n--XX--\r\n"
	}
	for name, row := range map[string]struct {
		value string
		kept  bool
	}{
		"1 MiB of control characters":      {strings.Repeat("\x01", form.MaxSize-2), false},
		"as many as are kept":              {strings.Repeat("\x01", form.MaxSize*32/100), true},
		"1 MiB of letters":                 {strings.Repeat("x", form.MaxSize-2), true},
		"Chinese text, as much as is kept": {strings.Repeat("明", form.MaxSize*8/10/3), true},
	} {
		t.Run(name, func(t *testing.T) {
			body, least := part(row.value), uint64(1<<63)
			for range 3 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				h := b.send(http.MethodPost, "/x", body, "Content-Type", "multipart/form-data; boundary=XX", "Origin", shop, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate")
				runtime.ReadMemStats(&after)
				least = min(least, after.TotalAlloc-before.TotalAlloc)
				if kept := strings.Contains(h.body, `"task":"keep"`); kept != row.kept || !kept && h.status != http.StatusRequestEntityTooLarge {
					t.Fatalf("%d, kept: %t, want %t", h.status, kept, row.kept)
				}
				if len(h.body) > 2*form.MaxSize {
					t.Fatalf("the answer has %d bytes, want at most %d", len(h.body), 2*form.MaxSize)
				}
			}
			if t.Logf("%d KiB allocated", least>>10); least > limit {
				t.Errorf("%d KiB allocated, want at most %d", least>>10, limit>>10)
			}
		})
	}
}
