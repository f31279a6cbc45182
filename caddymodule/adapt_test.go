package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-wechat/gateway/caddymodule"
)

var update = flag.Bool("update", false, "write the goldens anew")

const separator = "----------\n"

// Each file in testdata/adapt is a Caddyfile, a line of dashes, and the JSON
// that it becomes, or after "error: " the error, file and line included.
func TestAdapt(t *testing.T) { // serial: Caddy validates one configuration at a time
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %d goldens (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, ok := strings.Cut(string(content), separator)
			if !ok {
				t.Fatal("no line of dashes")
			}
			adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), map[string]any{"filename": "Caddyfile"})
			if message, bad := strings.CutPrefix(want, "error: "); bad {
				if *update && err != nil {
					message = err.Error()
					write(t, file, input+separator+"error: "+message+"\n")
				}
				checkError(t, err, strings.TrimSpace(message))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := indent(t, adapted)
			validates(t, adapted)
			if *update {
				write(t, file, input+separator+got)
				return
			}
			if got != want {
				t.Errorf("adapted to\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// validates checks that what was adapted can be provisioned: expressions are
// compiled, and placeholders expanded, only then.
func validates(t *testing.T, adapted []byte) {
	t.Helper()
	text := strings.ReplaceAll(string(adapted), "{file./run/secrets/wechat}", "secret")
	text = regexp.MustCompile(`\{env\.(\w*)APP_ID\}`).ReplaceAllString(text, "wx1111111111111111")
	text = regexp.MustCompile(`\{env\.\w+\}`).ReplaceAllString(text, strings.Repeat("k", 32))
	var config caddy.Config
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&config); err != nil {
		t.Errorf("does not validate: %v", err)
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one with %q", want)
	}
	if err.Error() != want {
		t.Errorf("error\n%s\nwant\n%s", err, want)
	}
	if !regexp.MustCompile(`Caddyfile:[1-9]\d*`).MatchString(err.Error()) {
		t.Errorf("error %q names no file and line", err)
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func indent(t *testing.T, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}
