package advice_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/caddy-wechat/gateway/internal/advice"
)

// Every row says what is seen and what to do, in both languages, within one
// line of a log.
func TestEveryRowIsComplete(t *testing.T) {
	t.Parallel()
	ids, codes := map[string]bool{}, map[int]string{}
	for _, row := range advice.All() {
		t.Run(row.ID, func(t *testing.T) {
			if !regexp.MustCompile(`^[a-z][a-z-]+$`).MatchString(row.ID) || ids[row.ID] {
				t.Errorf("the id %q is not a word of its own", row.ID)
			}
			ids[row.ID] = true
			for _, code := range row.Codes {
				if codes[code] != "" {
					t.Errorf("%d belongs to %s, too", code, codes[code])
				}
				codes[code] = row.ID
			}
			for what, text := range map[string]advice.Text{"symptom": row.Symptom, "fix": row.Fix} {
				if !strings.ContainsFunc(text.Chinese, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
					t.Errorf("%s: %q is not Chinese", what, text.Chinese)
				}
				if len(text.English) < 10 || len(text.English) > 260 || strings.ContainsAny(text.English+text.Chinese, "\n|\t") || strings.Contains(text.English, "%") {
					t.Errorf("%s: %q does not fit into a line or a table", what, text.English)
				}
				if text.In("zh") != text.Chinese || text.In("en") != text.English || text.In("") != text.English {
					t.Errorf("%s: the languages are mixed up", what)
				}
			}
			if found, ok := advice.ByID(row.ID); !ok || found.Fix != row.Fix {
				t.Error("it is not found by its id")
			}
		})
	}
	if len(ids) < 40 {
		t.Errorf("only %d rows", len(ids))
	}
}

// Every error code that WeChat documents has a fix of its own.
func TestEveryKnownCodeHasAFix(t *testing.T) {
	t.Parallel()
	var file struct {
		Errors []struct{ Code int } `json:"api_errors"`
	}
	raw, err := os.ReadFile("../wechat/testdata/errcodes.json")
	if err != nil || json.Unmarshal(raw, &file) != nil || len(file.Errors) < 30 {
		t.Fatalf("no list of error codes: %v, %d", err, len(file.Errors))
	}
	unknown, ok := advice.ByID(advice.Unknown)
	if !ok {
		t.Fatal("there is no row for unknown codes")
	}
	for _, e := range file.Errors {
		if e.Code == 0 {
			continue
		}
		if fix := advice.FixOfCode(e.Code); fix == "" || fix == unknown.Fix.English {
			t.Errorf("%d has no fix", e.Code)
		}
	}
	if got := advice.FixOfCode(99999); got != unknown.Fix.English {
		t.Errorf("an unknown code: %q", got)
	}
	if got := advice.FixOfCode(0); got != "" {
		t.Errorf("0 is no error and has the fix %q", got)
	}
	if _, ok := advice.ByID("nothing"); ok {
		t.Error("a row that is not there is found")
	}
}
