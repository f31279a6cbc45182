package outage

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/advice"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Every line with an errcode says what to do about it, whether the failure is
// an outage of WeChat, one visitor's, or a request that was answered 503.
func TestLinesWithAnErrcodeNameTheFix(t *testing.T) {
	t.Parallel()
	var file struct {
		Errors []struct{ Code int } `json:"api_errors"`
	}
	raw, err := os.ReadFile("../wechat/testdata/errcodes.json")
	if err != nil || json.Unmarshal(raw, &file) != nil || len(file.Errors) < 30 {
		t.Fatalf("no list of error codes: %v, %d", err, len(file.Errors))
	}
	for _, row := range file.Errors {
		if row.Code == 0 {
			continue
		}
		t.Run(strconv.Itoa(row.Code), func(t *testing.T) {
			failure := fmt.Errorf("signing in: %w", &wechat.Error{Op: "exchange", Code: row.Code, RID: "abc", Remedy: wechat.RemedyOf(row.Code)})
			for name, write := range map[string]func(Log){
				"note":       func(l Log) { l.Note(slog.LevelWarn, "code not accepted", "main", "", failure) },
				"unanswered": func(l Log) { l.Unanswered("main", "", failure) },
				"plain":      func(l Log) { l.Plain(slog.LevelWarn, 0, "unavailable", "main", "", failure) },
			} {
				l, text := logger()
				write(Log{Logger: l, Outages: new(Outages), Lines: new(limit.Lines)})
				want := "fix=" + strconv.Quote(advice.FixOfCode(row.Code))
				if advice.FixOfCode(row.Code) == "" || !strings.Contains(text.String(), want) || !strings.Contains(text.String(), "errcode="+strconv.Itoa(row.Code)+" ") {
					t.Errorf("%s: no %s in %s", name, want, text)
				}
			}
		})
	}
}

// A failure without an answer of WeChat has no errcode to explain.
func TestLinesWithoutAnErrcodeHaveNoFix(t *testing.T) {
	t.Parallel()
	l, text := logger()
	Log{Logger: l, Outages: new(Outages), Lines: new(limit.Lines)}.Note(slog.LevelWarn, "m", "main", "", &wechat.Error{Op: "exchange", Remedy: wechat.RemedyUnavailable})
	if strings.Contains(text.String(), "fix=") || text.Len() == 0 {
		t.Errorf("%s", text)
	}
}
