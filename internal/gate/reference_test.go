package gate_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

var numberOnPage = regexp.MustCompile(`<footer>(?:编号|Reference) <span>([^<]*)</span></footer>`)

// checkNumber runs for every page that a test opens: a number that a visitor
// reads out to the support finds a line in the log.
func (w *town) checkNumber(h hop) {
	if number := numberOnPage.FindStringSubmatch(h.body); number != nil && w.instead == nil && len(w.log.lines(`"flow":"`+number[1]+`"`)) == 0 {
		w.t.Errorf("%s: the page has the number %s, and the log has no such flow", h.url, number[1])
	}
}

// The number on a page finds the line that says why, in the way that
// docs/operators.md shows.
func TestNumberOnPagesIsInTheLog(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	field := regexp.MustCompile(`grep '("[a-z]+":")[A-Z2-7]{8}"'`).FindSubmatch(document)
	if field == nil {
		t.Fatal("docs/operators.md does not say how to look for a number")
	}
	for name, c := range map[string]struct {
		quirks     wechattest.Quirks
		down       bool // the ledger
		page, line string
	}{
		"denied":             {atToken(50002, 0), false, "denied", "sign-in denied by WeChat"},
		"misconfigured":      {atToken(40125, 0), false, "misconfigured", "sign-in is misconfigured"},
		"WeChat is busy":     {busy(0), false, "unavailable", "unavailable"},
		"the ledger is away": {wechattest.Quirks{}, true, "unavailable", "unavailable"},
		"code not accepted":  {atToken(40029, 0), false, "try_again", "sign-in restarted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := quirked(t, c.quirks)
			if c.down {
				w.ledger.fail(ledger.ErrUnavailable)
			}
			h := w.browser("alice").open("/x").last()
			number := numberOnPage.FindStringSubmatch(h.body)
			if h.kind() != c.page || number == nil {
				t.Fatalf("%d %q, number %q", h.status, h.kind(), number)
			}
			lines := w.log.lines(string(field[1]) + number[1] + `"`)
			if !strings.Contains(strings.Join(lines, ""), c.line) {
				t.Errorf("the number %s finds %q, want a line with %q", number[1], lines, c.line)
			}
		})
	}
}
