package console

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	textInPage = regexp.MustCompile(`\bt "([a-z0-9_]+)"`)
	nextToText = regexp.MustCompile(`template "none" "([a-z0-9_]+)"`)
	builtText  = regexp.MustCompile(`(?:print|word) "([a-z0-9_]+_)"`)
	textInCode = regexp.MustCompile(`"([a-z0-9]+_[a-z0-9_]+|[a-z]+)"`)
	value      = regexp.MustCompile(`\{\d\}`)
)

// sources returns the templates and the code, which is not of tests.
func sources(t *testing.T) (pages, code string) {
	t.Helper()
	var p, c strings.Builder
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		switch {
		case strings.HasSuffix(name, ".html"):
			p.Write(content)
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			c.Write(content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.String(), c.String()
}

// Every text has both languages, with the same values, and is used.
func TestTexts(t *testing.T) {
	t.Parallel()
	all, err := texts()
	if err != nil {
		t.Fatal(err)
	}
	pages, code := sources(t)
	used := map[string]bool{}
	for _, match := range append(textInPage.FindAllStringSubmatch(pages, -1), nextToText.FindAllStringSubmatch(pages, -1)...) {
		used[match[1]] = true
		if all[match[1]] == nil {
			t.Errorf("a page shows %s, which is not there", match[1])
		}
	}
	for _, match := range textInCode.FindAllStringSubmatch(code, -1) {
		used[match[1]] = true
	}
	var built []string
	for _, match := range append(builtText.FindAllStringSubmatch(pages, -1), []string{"", "title_"}, []string{"", "entrance_"}) {
		built = append(built, match[1])
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		sentence := all[name]
		if sentence[chinese] == "" || sentence[english] == "" || len(sentence) != 2 {
			t.Errorf("%s has not both languages: %v", name, sentence)
		}
		zh, en := value.FindAllString(sentence[chinese], -1), value.FindAllString(sentence[english], -1)
		slices.Sort(zh)
		slices.Sort(en)
		if !slices.Equal(zh, en) {
			t.Errorf("%s has the values %v in Chinese and %v in English", name, zh, en)
		}
		if !used[name] && !slices.ContainsFunc(built, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) && !strings.HasPrefix(name, "problem_") && !strings.HasPrefix(name, "do_") {
			t.Errorf("%s is used nowhere", name)
		}
	}
}

// A problem says what happened and what to do.
func TestProblemsHaveTexts(t *testing.T) {
	t.Parallel()
	all, err := texts()
	if err != nil {
		t.Fatal(err)
	}
	_, code := sources(t)
	found := 0
	for _, match := range regexp.MustCompile(`problem\{[^}]*?"([a-z_]+)"`).FindAllStringSubmatch(code, -1) {
		found++
		for _, name := range []string{"problem_" + match[1], "do_" + match[1]} {
			if all[name] == nil {
				t.Errorf("there is no text %s", name)
			}
		}
	}
	for _, match := range regexp.MustCompile(`\.tell\("([a-z_]+)"`).FindAllStringSubmatch(code, -1) {
		found++
		if all[match[1]] == nil {
			t.Errorf("there is no text %s", match[1])
		}
	}
	for _, c := range []confirmation{erasure(strings.Repeat("a", 26)), everyone, retirement, purging("crm", ""), purging("crm", "x")} {
		for _, prefix := range []string{"title_", "confirm_"} {
			if all[prefix+c.Text] == nil {
				t.Errorf("there is no text %s", prefix+c.Text)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d texts were found", found)
	}
}

// Values are put in once: a value that looks like another one's place stays.
func TestTextValues(t *testing.T) {
	t.Parallel()
	sentence := text{english: "{0} and {1}"}
	if got := sentence.in(english, "{1}", 2); got != "{1} and 2" {
		t.Errorf("%q", got)
	}
}
