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

// DocumentedRefusals returns the words of refusals in docs/admin.md, with their
// status.
func DocumentedRefusals(t *testing.T) map[string]int {
	t.Helper()
	doc, err := os.ReadFile("../docs/admin.md")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]int{}
	for _, m := range regexp.MustCompile("(?m)^\\| (\\d{3}) `([a-z_]+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		words[m[2]], _ = strconv.Atoi(m[1])
	}
	return words
}

// The words of refusals have a status, and docs/admin.md has them all.
func TestAdminRefusalWords(t *testing.T) {
	t.Parallel()
	statuses := map[string]int{}
	for word, status := range refusalStatus {
		statuses[string(word)] = status
	}
	if documented := DocumentedRefusals(t); !maps.Equal(statuses, documented) {
		t.Errorf("docs/admin.md lists %v,\nrefusalStatus has %v", documented, statuses)
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
