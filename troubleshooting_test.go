package gateway_test

import (
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/advice"
)

// troubleshooting is the document of internal/advice in each language. Its
// tables are the rows of the code, in their order: what an operator reads there
// is what the log and the doctor say.
var troubleshooting = []struct{ document, language string }{
	{"docs/troubleshooting.md", "en"},
	{"docs/troubleshooting.zh-CN.md", "zh"},
}

func TestTroubleshootingIsTheTable(t *testing.T) {
	t.Parallel()
	for _, page := range troubleshooting {
		t.Run(page.document, func(t *testing.T) {
			t.Parallel()
			rows := adviceRows(string(readFile(t, page.document)))
			all := advice.All()
			for i, row := range all {
				want := "| " + row.Symptom.In(page.language) + " | " + row.Fix.In(page.language) + " |"
				if i >= len(rows) || rows[i] != want {
					t.Fatalf("row %d is not that of %s:\n%s", i+1, row.ID, want)
				}
			}
			for _, row := range rows[len(all):] {
				t.Errorf("no advice says this:\n%s", row)
			}
		})
	}
}

// adviceRows returns the rows of a document's tables, without their heads.
func adviceRows(text string) (rows []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "|---"):
			rows = rows[:len(rows)-1] // the head
		case strings.HasPrefix(line, "| "):
			rows = append(rows, line)
		}
	}
	return rows
}

// Operators look for these words. Those in Chinese are what WeChat shows.
func TestTroubleshootingHasTheSymptoms(t *testing.T) {
	t.Parallel()
	for _, page := range troubleshooting {
		t.Run(page.document, func(t *testing.T) {
			t.Parallel()
			text := string(readFile(t, page.document))
			for _, symptom := range []string{"40163", "10003", "40164", "redirect_uri 参数错误", "Scope 参数错误", "白屏", "一直跳转", "快照页", "网页授权域名", "IP白名单"} {
				if !strings.Contains(text, symptom) {
					t.Errorf("it does not name %s", symptom)
				}
			}
		})
	}
}
