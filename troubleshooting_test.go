package gateway_test

import (
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/advice"
)

// docs/troubleshooting.md and the table of internal/advice are the same, row by
// row: what an operator reads there is what the log and the doctor say.
func TestTroubleshootingIsTheTable(t *testing.T) {
	t.Parallel()
	rows := make(map[string]bool)
	for line := range strings.Lines(string(readFile(t, "docs/troubleshooting.md"))) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| what you see") {
			rows[line] = true
		}
	}
	for _, row := range advice.All() {
		want := "| " + row.Symptom.Chinese + "<br>" + row.Symptom.English + " | " + row.Fix.Chinese + "<br>" + row.Fix.English + " |"
		if !rows[want] {
			t.Errorf("docs/troubleshooting.md has no row of %s:\n%s", row.ID, want)
		}
		delete(rows, want)
	}
	for row := range rows {
		t.Errorf("docs/troubleshooting.md: no advice says this:\n%s", row)
	}
}

// Operators look for these words.
func TestTroubleshootingHasTheSymptoms(t *testing.T) {
	t.Parallel()
	text := string(readFile(t, "docs/troubleshooting.md"))
	for _, symptom := range []string{"40163", "10003", "40164", "redirect_uri 参数错误", "白屏", "一直跳转", "快照页"} {
		if !strings.Contains(text, symptom) {
			t.Errorf("docs/troubleshooting.md does not name %s", symptom)
		}
	}
}
