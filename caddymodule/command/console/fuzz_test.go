package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// No answer of a gateway, or of another program at its address, makes the
// status page panic, draw what is no number, or show text as markup.
func FuzzHistoryAnswer(f *testing.F) {
	f.Add(busyDay(time.Now()))
	f.Add(`{"since":"2026-01-01T00:00:00Z","step_seconds":-1,"buckets":[{"from":"9999-12-31T23:59:59Z","latency":{"p50_ms":-1,"p95_ms":1e308}}]}`)
	f.Add(`{"step_seconds":9223372036854775807,"buckets":[{"from":"` + time.Now().UTC().Format(time.RFC3339) + `","finished":{"<b>":18446744073709551615},"errcodes":{"<i>":18446744073709551615},"latency":{"calls":1,"p50_ms":1e300,"p95_ms":-1e300}}]}`)
	var d *desk // made once: to read the templates takes longer than to fill one in
	f.Fuzz(func(t *testing.T, answer string) {
		if d == nil {
			d = openDesk(t)
		}
		d.t = t
		d.gateway.answer("GET /wechat/history", http.StatusOK, answer)
		page := d.get("/")
		body := page.Body.String()
		if page.Code != http.StatusOK && page.Code != http.StatusBadGateway {
			t.Errorf("%d %s", page.Code, body)
		}
		_, drawing, _ := strings.Cut(body, "<svg")
		for _, wrong := range []string{"NaN", "Inf", "%!", "<b><", "<i>"} {
			if strings.Contains(drawing, wrong) && !strings.Contains(answer, wrong) {
				t.Errorf("it draws %s: %s", wrong, body)
			}
		}
	})
}
