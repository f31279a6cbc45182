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

// goldens says how the files of TestAdapt are written.
const goldens = "go test ./caddymodule -run TestAdapt -update"

// Each file in testdata/adapt is a Caddyfile, a line of dashes, and what it
// becomes: JSON in good_….caddyfiletest, and in bad_….caddyfiletest "error: "
// and the error, file and line included. The flag -update writes what stands
// after the Caddyfile.
func TestAdapt(t *testing.T) { // serial: Caddy validates one configuration at a time
	files, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %d goldens (%v)", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".caddyfiletest")
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, found := strings.Cut(string(content), separator)
			if !found {
				input = strings.TrimRight(input, "\n") + "\n" // a new file: the Caddyfile alone
			}
			adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), map[string]any{"filename": "Caddyfile"})
			var got string
			switch bad := strings.HasPrefix(name, "bad_"); {
			case bad && err == nil:
				t.Fatalf("no error: a Caddyfile that is right belongs in a file good_….caddyfiletest")
			case !bad && err != nil:
				t.Fatalf("%v\nA Caddyfile with an error belongs in a file bad_….caddyfiletest.", err)
			case bad:
				got = "error: " + err.Error() + "\n"
				namesPlace(t, err)
			default:
				got = indent(t, adapted)
				validates(t, adapted)
			}
			switch {
			case got == want:
			case *update:
				write(t, file, input+separator+got)
			default:
				t.Errorf("it becomes\n%s\nwant\n%s\nIf that is right, write it to the file: %s\nThen read the difference.", got, want, goldens)
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
	if config.Logging == nil { // otherwise hundreds of lines stand before the failures
		config.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{
			"default": {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output":"discard"}`)}},
		}}
	}
	if err := caddy.Validate(&config); err != nil {
		t.Errorf("does not validate: %v", err)
	}
}

// namesPlace checks that an error names file and line.
func namesPlace(t *testing.T, err error) {
	t.Helper()
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
