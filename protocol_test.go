package gateway_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

const (
	protocolDocument = "docs/wechat-protocol.md"
	protocolChinese  = "docs/wechat-protocol.zh-CN.md"
)

// Comments cite facts of docs/wechat-protocol.md by their codes. A code that is
// not there, or stands for two facts, would leave the reader without an
// explanation.
func TestWeChatProtocol(t *testing.T) {
	t.Parallel()
	code := comments(t)
	document := string(readFile(t, protocolDocument))
	facts := make(map[string]bool)
	for _, row := range factRow.FindAllStringSubmatch(document, -1) {
		facts[row[1]] = true
	}
	t.Run("codes", func(t *testing.T) {
		rows := factRow.FindAllStringSubmatch(document, -1)
		if len(rows) < 50 {
			t.Errorf("only %d facts were found: is the form of the rows another one?", len(rows))
		}
		seen := make(map[string]bool)
		for _, row := range rows {
			if seen[row[1]] {
				t.Errorf("%s: %s stands for two facts", protocolDocument, row[1])
			}
			seen[row[1]] = true
			for sure := range strings.SplitSeq(row[2], ", ") {
				if sure != "doc" && sure != "seen" && sure != "assumed" {
					t.Errorf("%s: %s is sure as %q, want doc, seen or assumed", protocolDocument, row[1], sure)
				}
			}
		}
	})
	t.Run("references", func(t *testing.T) {
		for _, fact := range factCode.FindAllString(document, -1) {
			if !facts[fact] {
				t.Errorf("%s refers to %s, which it does not have", protocolDocument, fact)
			}
		}
	})
	t.Run("citations", func(t *testing.T) {
		found := 0
		for _, c := range code {
			for _, match := range citation.FindAllStringSubmatch(c.text, -1) {
				if match[1] == ".md" {
					continue // names the document, not a fact
				}
				found++
				cited := factCode.FindAllString(match[0], -1)
				if len(cited) == 0 {
					t.Errorf("%s: %q: the form is (wechat-protocol E2) or (wechat-protocol A5, A6)", c.where, match[0])
				}
				for _, fact := range cited {
					if !facts[fact] {
						t.Errorf("%s cites %s, which %s does not have", c.where, fact, protocolDocument)
					}
				}
			}
		}
		if found < 50 {
			t.Errorf("only %d citations were found: is their form another one?", found)
		}
	})
	t.Run("one form", func(t *testing.T) {
		for _, c := range code {
			for _, match := range bareCode.FindAllStringSubmatch(citation.ReplaceAllString(c.text, ""), -1) {
				if facts[match[1]] {
					t.Errorf("%s: cite the fact as (wechat-protocol %s), not as %q", c.where, match[1], match[0])
				}
			}
		}
	})
	t.Run("remedies", func(t *testing.T) { checkRemedies(t, protocolDocument, document) })
}

// The Chinese document has the same facts in the same order, each as sure and
// in the same places, the same references between them, and the same remedies:
// a code that a comment cites can be looked up in either language.
func TestWeChatProtocolInChinese(t *testing.T) {
	t.Parallel()
	english, chinese := string(readFile(t, protocolDocument)), string(readFile(t, protocolChinese))
	want, got := factRow.FindAllStringSubmatch(english, -1), factRow.FindAllStringSubmatch(chinese, -1)
	if len(got) != len(want) {
		t.Errorf("%s has %d facts, %s has %d", protocolChinese, len(got), protocolDocument, len(want))
	}
	for i := range min(len(got), len(want)) {
		t.Run(want[i][1], func(t *testing.T) {
			if g, w := got[i][1:3], want[i][1:3]; !slices.Equal(g, w) {
				t.Fatalf("the fact is %q, want %q", g, w)
			}
			if g, w := placesOf(got[i][0]), placesOf(want[i][0]); !slices.Equal(g, w) {
				t.Errorf("the places are %q, want %q", g, w)
			}
		})
	}
	t.Run("references", func(t *testing.T) {
		if g, w := factCode.FindAllString(chinese, -1), factCode.FindAllString(english, -1); !slices.Equal(g, w) {
			t.Errorf("the codes in their order are\n%q, want\n%q", g, w)
		}
	})
	t.Run("remedies", func(t *testing.T) { checkRemedies(t, protocolChinese, chinese) })
}

// placesOf lists the paths in the last column of a fact's row.
func placesOf(row string) []string {
	cells := strings.Split(row, " | ")
	return codeSpan.FindAllString(cells[len(cells)-1], -1)
}

// aFact is the code of a fact, such as A4.1.
const aFact = `[A-J][0-9]{1,2}(?:\.[0-9]{1,2})?`

var (
	factRow  = regexp.MustCompile(`(?m)^\| (` + aFact + `) \| .* \| ([a-z, ]+) \| [^|]+ \|$`)
	factCode = regexp.MustCompile(`\b` + aFact + `\b`)
	citation = regexp.MustCompile(`wechat-protocol(\.md)?(?: ` + aFact + `(?:, ` + aFact + `)*)?`)
	// bareCode is a code in brackets or at the beginning of a comment.
	bareCode = regexp.MustCompile(`(?:^|\((?:[^()]*[ ,;])?)(` + aFact + `)[):,]`)
)

// checkRemedies compares a document's table of remedies with what the client
// does.
func checkRemedies(t *testing.T, name, document string) {
	t.Helper()
	listed := make(map[int]wechat.Remedy)
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| (.*) \\|$").FindAllStringSubmatch(document, -1) {
		for _, number := range regexp.MustCompile(`-1\b|\b[0-9]{5}\b`).FindAllString(row[2], -1) {
			code, err := strconv.Atoi(number)
			if err != nil {
				t.Fatal(err)
			}
			if _, twice := listed[code]; twice {
				t.Errorf("%s: %d has two remedies", name, code)
			}
			listed[code] = wechat.Remedy(row[1])
		}
	}
	for code, remedy := range listed {
		if got := wechat.RemedyOf(code); got != remedy {
			t.Errorf("%s: the remedy of %d is %s, the client's is %s", name, code, remedy, got)
		}
	}
	for code := -1; code < 100_000; code++ {
		if remedy := wechat.RemedyOf(code); remedy != "" && remedy != wechat.RemedyAlert && listed[code] == "" {
			t.Errorf("%s: %d (%s) is missing", name, code, remedy)
		}
	}
	for number := range errorCodes(t) {
		if code, err := strconv.Atoi(number); err == nil && listed[code] == "" {
			t.Errorf("%s: %d is missing", name, code)
		}
	}
}

// comment is a comment of the code, as one line of text.
type comment struct{ where, text string }

// comments are all comments of Go files, this file's excepted.
func comments(t *testing.T) []comment {
	t.Helper()
	var all []comment
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(path, ".") && path != "."):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || path == "protocol_test.go":
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, group := range file.Comments {
			all = append(all, comment{set.Position(group.Pos()).String(), oneLine(group)})
		}
		return nil
	})
	if err != nil || len(all) < 1000 {
		t.Fatalf("%d comments: %v", len(all), err)
	}
	return all
}

func oneLine(group *ast.CommentGroup) string { return strings.Join(strings.Fields(group.Text()), " ") }
