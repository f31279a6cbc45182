package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	gateway "github.com/caddy-wechat/gateway"
)

var fence = regexp.MustCompile("(?s)```caddyfile\n(.*?)```")

// The Caddyfiles of packages keep secrets and identities out of their logs by
// the same filter as Caddyfile.example.
func TestPackagesFilterLogs(t *testing.T) {
	t.Parallel()
	filter := logFilter(t, "Caddyfile.example")
	for _, file := range packagedCaddyfiles {
		if logFilter(t, file) != filter {
			t.Errorf("the snippet wechat_log_filter of %s is not that of Caddyfile.example", file)
		}
	}
}

// logFilter is the snippet of a Caddyfile, without comments.
func logFilter(t *testing.T, file string) string {
	t.Helper()
	_, text, _ := strings.Cut(string(readFile(t, file)), "\n(wechat_log_filter) {\n")
	text, _, ok := strings.Cut(text, "\n}\n")
	if !ok {
		t.Fatalf("%s has no snippet wechat_log_filter", file)
	}
	return regexp.MustCompile(`(?m)^\t+# .*\n`).ReplaceAllString(text, "")
}

var packagedCaddyfiles = []string{"docs/deploy/compose/Caddyfile", "docs/deploy/kubernetes/Caddyfile"}

// Every Caddyfile that we show is formatted, adapts without a warning, and
// validates.
func TestCaddyfilesWeShip(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	shipped := map[string]string{
		"Caddyfile.example":                             string(gateway.Example),
		"Caddyfile.example with every option turned on": withoutBlock(uncomment(t, string(gateway.Example)), "store redis"),
		"Caddyfile.example with Redis":                  withoutBlock(uncomment(t, string(gateway.Example)), "store local"),
	}
	for _, file := range documentsOf(t) {
		for i, match := range fence.FindAllSubmatch(readFile(t, file), -1) {
			shipped[file+" block "+string(rune('1'+i))] = string(match[1])
		}
	}
	t.Setenv("SITE", "shop.example.com") // of compose.yaml
	for _, file := range packagedCaddyfiles {
		shipped[file] = string(readFile(t, file))
	}
	if len(shipped) < 6 {
		t.Fatalf("only %d Caddyfiles found", len(shipped))
	}
	for name, text := range shipped {
		for _, match := range variable.FindAllStringSubmatch(text, -1) {
			t.Setenv(match[1], valueOf(match[1]))
		}
		t.Run(name, func(t *testing.T) {
			if formatted := caddyfile.Format([]byte(text)); !bytes.Equal(bytes.TrimSpace(formatted), bytes.TrimSpace([]byte(text))) {
				t.Errorf("caddy fmt would change it:\n%s", formatted)
			}
			text = strings.ReplaceAll(text, "C:/wechat-gateway", t.TempDir()) // docs/deploy/windows.md
			text = placeFiles(t, text)
			text = strings.ReplaceAll(text, "/etc/caddy/wechat-pages", t.TempDir())
			text = strings.ReplaceAll(text, "/etc/caddy/logo.svg", logoFile(t))
			text = strings.ReplaceAll(text, "/etc/caddy/qr.svg", logoFile(t))
			adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
			if err != nil {
				t.Fatalf("%v in:\n%s", err, text)
			}
			for _, warning := range warnings {
				t.Errorf("warning: %s", warning)
			}
			var config caddy.Config
			if err := json.Unmarshal(adapted, &config); err != nil {
				t.Fatal(err)
			}
			if err := caddy.Validate(&config); err != nil {
				t.Errorf("does not validate: %v", err)
			}
		})
	}
}

// logoFile makes a logo in a folder of the test.
func logoFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "logo.svg")
	if err := os.WriteFile(file, []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// placeFiles makes the files that placeholders of a Caddyfile name, in a folder
// of the test, with what a secret could be.
func placeFiles(t *testing.T, text string) string {
	t.Helper()
	folder := t.TempDir()
	return regexp.MustCompile(`\{file\.(/[^}]+)\}`).ReplaceAllStringFunc(text, func(placeholder string) string {
		file := filepath.Join(folder, filepath.Base(strings.TrimSuffix(placeholder, "}")))
		if err := os.WriteFile(file, []byte(valueOf(placeholder)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return "{file." + file + "}"
	})
}

var variable = regexp.MustCompile(`\{env\.(\w+)\}`)

// valueOf is a value that a variable of this name could have, another one for
// each.
func valueOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	value := hex.EncodeToString(sum[:])
	switch {
	case strings.HasSuffix(name, "APP_ID"), strings.HasSuffix(name, "/app-id}"):
		return "wx" + value[:16]
	case strings.HasSuffix(name, "AES_KEY"), strings.HasSuffix(name, "/wechat-push-aes-key}"):
		return value[:42] + "A"
	default:
		return value[:32]
	}
}

// uncomment turns every commented option of the example on. A comment that is
// an option begins with a word that is one.
func uncomment(t *testing.T, example string) string {
	t.Helper()
	// Besides the options of the reference: Caddy's own, and a field of its log.
	words := append(optionsOf(t), "log", "output", "include", "import", "user_id")
	option := regexp.MustCompile(`^(\t+)# (\t*)((?:` + strings.Join(words, "|") + `)\b.*|\})$`)
	var lines []string
	turnedOn := 0
	for line := range strings.SplitSeq(example, "\n") {
		if m := option.FindStringSubmatch(line); m != nil {
			line = m[1] + m[2] + m[3]
			turnedOn++
		} else if m := regexp.MustCompile(`^(\t+)# (\t+)# (.*)$`).FindStringSubmatch(line); m != nil {
			line = m[1] + m[2] + "# " + m[3]
		}
		lines = append(lines, line)
	}
	if turnedOn < 40 {
		t.Fatalf("only %d options found in the example", turnedOn)
	}
	text := strings.Join(lines, "\n")
	text = strings.ReplaceAll(text, "/var/log/caddy", t.TempDir())
	return strings.ReplaceAll(text, "account default mini", "account members mini")
}

// withoutBlock takes an option of the wechat block out of a Caddyfile, with its
// block.
func withoutBlock(text, option string) string {
	return regexp.MustCompile(`(?m)^\t\t`+option+` [^{\n]*(\{\n(\t\t\t.*\n)*\t\t\}\n|\n)`).ReplaceAllString(text, "")
}

// Chinese readers expect Chinese punctuation: no half-width comma, semicolon,
// colon, bracket, question or exclamation mark stands beside a Chinese
// character. Code and the addresses of links are left out.
func TestChinesePunctuation(t *testing.T) {
	t.Parallel()
	for _, name := range documentsOf(t) {
		if !strings.HasSuffix(name, ".zh-CN.md") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			punctuation(t, name)
		})
	}
}

func punctuation(t *testing.T, name string) {
	text := codeFence.ReplaceAllStringFunc(string(readFile(t, name)), func(block string) string {
		return strings.Repeat("\n", strings.Count(block, "\n")) // so that the numbers of the lines stay
	})
	chinese := 0
	for i, line := range strings.Split(text, "\n") {
		line = codeSpan.ReplaceAllString(line, "")
		line = link.ReplaceAllString(line, "]")
		for _, found := range halfWidth.FindAllString(line, -1) {
			t.Errorf("%s:%d: half-width punctuation in %q", name, i+1, found)
		}
		texts := strings.Split(line, "**") // every other one is bold
		for n := 1; n+1 < len(texts); n += 2 {
			if endsInSign.MatchString(texts[n]) && beginsWithLetter.MatchString(texts[n+1]) {
				t.Errorf("%s:%d: Markdown does not end the bold text %q here: put the mark before the sign, or a blank behind it", name, i+1, texts[n])
			}
		}
		if han.MatchString(line) {
			chinese++
		}
	}
	if chinese < 20 {
		t.Errorf("only %d lines of Chinese were found", chinese)
	}
}

var (
	han                          = regexp.MustCompile(`\p{Han}`)
	endsInSign, beginsWithLetter = regexp.MustCompile(`[：，。；！？”）]$`), regexp.MustCompile(`^[\p{Han}\w]`)
	halfWidth                    = regexp.MustCompile(`\p{Han}[,;:()!?]|[,;:()!?]\p{Han}`)
)

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Every row of docs/security.md names a test, and every test that a row names
// stands in the room that it names. A name that is gone would be a promise that
// nothing keeps. The Chinese document names the same tests in the same rows.
func TestSecurityNamesTestsThatExist(t *testing.T) {
	rooms := map[string]string{} // by room: the text of its tests
	english := testCells(t, "docs/security.md")
	for _, document := range []string{"docs/security.md", "docs/security.zh-CN.md"} {
		t.Run(document, func(t *testing.T) {
			cells := testCells(t, document)
			if len(cells) != len(english) || len(cells) < 150 {
				t.Fatalf("%d rows, and docs/security.md has %d: is the form of the rows another one?", len(cells), len(english))
			}
			for i, cell := range cells {
				if cell != english[i] {
					t.Errorf("row %d names the tests %q, and docs/security.md %q", i+1, cell, english[i])
				}
				if left := testsInRooms.ReplaceAllString(cell, ""); strings.Trim(left, ", ") != "" || cell == "" {
					t.Errorf("row %d: no test in a room: %q", i+1, left)
				}
				for _, group := range testsInRooms.FindAllStringSubmatch(cell, -1) {
					for _, room := range strings.Split(group[2], ", ") {
						if rooms[room] == "" {
							rooms[room] = testsOf(t, room)
						}
						for _, name := range testName.FindAllStringSubmatch(group[1], -1) {
							if !strings.Contains(rooms[room], "func "+name[1]+"(") {
								t.Errorf("%s has no %s", room, name[1])
							}
						}
					}
				}
			}
		})
	}
}

// testCells are the cells of a document of attacks that name tests. Where a
// section says in which folder its tests are, the cells that name none get it.
func testCells(t *testing.T, document string) (cells []string) {
	t.Helper()
	folder, table := "", false
	for row := range strings.Lines(string(readFile(t, document))) {
		row = strings.TrimSpace(row)
		switch {
		case strings.HasPrefix(row, "## "):
			folder = ""
		case !strings.HasPrefix(row, "|"):
			table = false
			if said := testFolder.FindStringSubmatch(row); said != nil {
				folder = " (" + said[1] + ")"
			}
		case strings.HasPrefix(row, "|---"):
			table = true
		case table:
			parts := strings.Split(strings.Trim(row, "| "), " | ")
			cell := parts[len(parts)-1]
			if !strings.HasSuffix(cell, ")") {
				cell += folder
			}
			cells = append(cells, cell)
		}
	}
	return cells
}

var (
	testFolder   = regexp.MustCompile(`^(?:All tests are in|没有写文件夹的，测试都在) ([a-z/]+)`)
	testsInRooms = regexp.MustCompile("((?:`(?:Test|Fuzz)[A-Za-z0-9]+`,? ?)+) ?\\(([a-z/, ]+)\\)")
	testName     = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`")
)

// testsOf is the text of a room's tests.
func testsOf(t *testing.T, room string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(room, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("docs/security.md names the room %q: %d tests (%v)", room, len(files), err)
	}
	var all strings.Builder
	for _, file := range files {
		all.Write(readFile(t, file))
	}
	return all.String()
}
