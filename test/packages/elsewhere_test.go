package packages

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// All rooms but test, which is for Linux, are right for the compiler on Windows
// and macOS, with their tests. Types are checked from the source: to compile
// Caddy for both systems takes five minutes on two cores, and is done by
// cmd/release and by the workflows.
func TestElsewhere(t *testing.T) {
	for _, system := range []string{"windows", "darwin"} {
		t.Run(system, func(t *testing.T) {
			found, err := packages.Load(&packages.Config{
				Mode:  packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo,
				Dir:   root,
				Env:   append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS="),
				Tests: true,
			}, "./cmd/...", "./caddymodule/...", "./internal/...", "./session/...", ".")
			if err != nil {
				t.Fatal(err)
			}
			rooms := 0
			packages.Visit(found, nil, func(p *packages.Package) {
				if strings.HasPrefix(p.PkgPath, "github.com/caddy-wechat/") {
					rooms++
				}
				for _, e := range p.Errors {
					t.Error(e)
				}
			})
			if rooms < 60 {
				t.Errorf("only %d rooms were read", rooms)
			}
		})
	}
}
