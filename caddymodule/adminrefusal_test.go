package caddymodule

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// adminDocuments describe the admin calls, in English and in Chinese.
var adminDocuments = []string{"../docs/admin.md", "../docs/admin.zh-CN.md"}

// DocumentedRefusals returns the words of refusals in docs/admin.md, with their
// status.
func DocumentedRefusals(t *testing.T) map[string]int {
	t.Helper()
	return refusalsIn(t, adminDocuments[0])
}

func refusalsIn(t *testing.T, name string) map[string]int {
	t.Helper()
	doc, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]int{}
	for _, m := range regexp.MustCompile("(?m)^\\| (\\d{3}) `([a-z_]+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		words[m[2]], _ = strconv.Atoi(m[1])
	}
	return words
}

// The words of refusals have a status, and the documents have them all.
func TestAdminRefusalWords(t *testing.T) {
	t.Parallel()
	statuses := map[string]int{}
	for word, status := range refusalStatus {
		statuses[string(word)] = status
	}
	for _, name := range adminDocuments {
		if documented := refusalsIn(t, name); !maps.Equal(statuses, documented) {
			t.Errorf("%s lists %v,\nrefusalStatus has %v", name, documented, statuses)
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "adminrefusal.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		constant, ok := n.(*ast.ValueSpec)
		if !ok || len(constant.Values) != 1 {
			return true
		}
		if literal, ok := constant.Values[0].(*ast.BasicLit); ok {
			if word, _ := strconv.Unquote(literal.Value); statuses[word] == 0 {
				t.Errorf("%s has no status", literal.Value)
			}
		}
		return true
	})
}
