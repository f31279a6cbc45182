package gateway_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// WeChat's numbers are known where its protocol is spoken, to the simulator,
// which must not share our mistakes, and to the table that explains them to
// operators and decides nothing. All other rooms ask for the remedy by its
// sentinel.
func TestOnlyTheClientKnowsErrorCodes(t *testing.T) {
	t.Parallel()
	codes := errorCodes(t)
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch path = filepath.ToSlash(path); {
		case err != nil:
			return err
		case entry.IsDir() && (path == "internal/advice" || path == "internal/wechat" || path == "internal/wechattest" || strings.HasPrefix(path, ".") && path != "."):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if number, ok := n.(*ast.BasicLit); ok && number.Kind == token.INT && codes[number.Value] {
				t.Errorf("%s: %s is an errcode of WeChat's: ask for the remedy of internal/wechat", set.Position(n.Pos()), number.Value)
			}
			if compared, ok := n.(*ast.BinaryExpr); ok && (isErrorCode(compared.X) && isNumber(compared.Y) || isErrorCode(compared.Y) && isNumber(compared.X)) {
				t.Errorf("%s: an errcode of WeChat's is compared: ask for the remedy of internal/wechat", set.Position(n.Pos()))
			}
			return true
		})
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("%d files read: %v", files, err)
	}
}

// errorCodes are the codes that WeChat documents, as they are written.
func errorCodes(t *testing.T) map[string]bool {
	t.Helper()
	var file struct {
		Errors []struct{ Code int } `json:"api_errors"`
	}
	raw, err := os.ReadFile("internal/wechat/testdata/errcodes.json")
	if err != nil || json.Unmarshal(raw, &file) != nil || len(file.Errors) == 0 {
		t.Fatalf("no list of error codes: %v", err)
	}
	codes := make(map[string]bool)
	for _, row := range file.Errors {
		codes[strconv.Itoa(row.Code)] = true
	}
	return codes
}

// isErrorCode reports whether e reads a field Code, as that of wechat.Error.
func isErrorCode(e ast.Expr) bool {
	field, ok := e.(*ast.SelectorExpr)
	return ok && field.Sel.Name == "Code"
}

func isNumber(e ast.Expr) bool {
	if minus, ok := e.(*ast.UnaryExpr); ok {
		e = minus.X
	}
	number, ok := e.(*ast.BasicLit)
	return ok && number.Kind == token.INT
}
