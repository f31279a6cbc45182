package gateway_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// Every link of a document to a file of this repository leads to a file, and to
// a heading that it has. Addresses of other hosts are not asked for: tests need
// no network.
func TestLinksInDocuments(t *testing.T) {
	t.Parallel()
	documents := documentsOf(t)
	headings := make(map[string]map[string]int)
	for _, document := range documents {
		headings[document] = anchors(withoutFences(t, document))
	}
	links := 0
	for _, document := range documents {
		text := codeSpan.ReplaceAllString(withoutFences(t, document), "")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target := match[1]
			if strings.Contains(target, "://") {
				continue
			}
			links++
			name, heading, _ := strings.Cut(target, "#")
			file := document
			if name != "" {
				file = path.Join(path.Dir(document), name)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: the link %s leads to no file", document, target)
			} else if heading != "" && headings[file][heading] == 0 {
				t.Errorf("%s: the link %s leads to no heading of %s", document, target, file)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}

// Documents that configuration files and programs name are there, and so are
// their sections, as in docs/fleet.md or docs/operators.md#secrets.
func TestLinksInOtherFiles(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`\b((?:docs/[A-Za-z0-9_./-]+|README|SECURITY|ARCHITECTURE|CONTRIBUTING|CHANGELOG)(?:\.zh-CN)?\.md)(?:#([\p{L}\p{N}_-]+))?`)
	links := 0
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git" || entry.Name() == "dist"):
			return filepath.SkipDir
		case entry.IsDir() || !ofProgram.MatchString(filepath.ToSlash(file)):
			return nil
		}
		for _, match := range named.FindAllStringSubmatch(string(readFile(t, file)), -1) {
			links++
			if _, err := os.Stat(match[1]); err != nil {
				t.Errorf("%s names %s, which is not there", file, match[1])
			} else if match[2] != "" && anchors(withoutFences(t, match[1]))[match[2]] == 0 {
				t.Errorf("%s names %s, which has no such heading", file, match[0])
			}
		}
		return nil
	})
	if err != nil || links < 100 {
		t.Errorf("only %d links were found: %v", links, err)
	}
}

// ofProgram are the files that are no documents, and name some.
var ofProgram = regexp.MustCompile(`\.(go|ya?ml|json|service|sh|css|html)$|(^|/)(Caddyfile[^/]*|Dockerfile)$`)

// Every file and folder of the code that a document names is there. The
// changelog may name what is gone.
func TestPathsInDocuments(t *testing.T) {
	t.Parallel()
	paths := 0
	for _, document := range documentsOf(t) {
		if document == "CHANGELOG.md" {
			continue
		}
		for _, span := range codeSpan.FindAllString(withoutFences(t, document), -1) {
			name := strings.Trim(span, "`")
			if !codePath.MatchString(name) {
				continue
			}
			paths++
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s names %s, which is not there", document, name)
			}
		}
	}
	if paths < 50 {
		t.Errorf("only %d paths were found", paths)
	}
}

var (
	codePath  = regexp.MustCompile(`^(?:caddymodule|cmd|docs|internal|session|test)/[A-Za-z0-9_./-]+$`)
	link      = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	linkText  = regexp.MustCompile(`\[([^\]]*)\]\([^()\s]*\)`)
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	codeFence = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
)

// documentsOf lists the documents of the repository.
func documentsOf(t *testing.T) []string {
	t.Helper()
	var documents []string
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || file == "dist" || file == "webapps" || strings.HasPrefix(file, ".") && file != "."):
			return filepath.SkipDir
		case !entry.IsDir() && strings.HasSuffix(file, ".md"):
			documents = append(documents, filepath.ToSlash(file))
		}
		return nil
	})
	if err != nil || len(documents) < 10 {
		t.Fatalf("%d documents: %v", len(documents), err)
	}
	return documents
}

// withoutFences is a document's text without its blocks of code.
func withoutFences(t *testing.T, document string) string {
	t.Helper()
	content, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	return codeFence.ReplaceAllString(string(content), "")
}

// anchors are the names that GitHub gives to the headings of a document: small
// letters, digits, hyphens and underscores, a hyphen for each blank, and a
// number behind a name that was there before. Each has its number in the
// document, from 1.
func anchors(text string) map[string]int {
	names := make(map[string]int)
	for line := range strings.Lines(text) {
		title := strings.TrimLeft(line, "#")
		if title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		title = linkText.ReplaceAllString(strings.TrimSpace(title), "$1")
		base := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
				return unicode.ToLower(r)
			}
			return -1
		}, title)
		name := base
		for n := 1; names[name] > 0; n++ {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		names[name] = len(names) + 1
	}
	return names
}

func TestAnchors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ text, want string }{
		{"## What `check` answers\n", "what-check-answers"},
		{"### The number on a page\n", "the-number-on-a-page"},
		{"## Desktop, with a website account\n", "desktop-with-a-website-account"},
		{"## [Unreleased](x.md)\n", "unreleased"},
		{"## 网站得到什么\n", "网站得到什么"},
		{"## 安全：上线之前\n", "安全上线之前"},
		{"## Floods\n## Floods\n", "floods-1"},
		{"#!/bin/sh\n", ""},
	} {
		t.Run(row.text, func(t *testing.T) {
			t.Parallel()
			if got := anchors(row.text); row.want == "" && len(got) > 0 || row.want != "" && got[row.want] == 0 {
				t.Errorf("anchors(%q) = %v, without %q", row.text, got, row.want)
			}
		})
	}
}
