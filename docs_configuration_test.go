package gateway_test

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"testing"

	gateway "github.com/caddy-wechat/gateway"
)

// docs/configuration.md is written by a test of caddymodule, out of the code's
// comments. Its Chinese version is written by hand. Each of its sections has a
// mark, a hash of the English section that it says in Chinese:
//
//	### session: idle
//
//	<!-- english: 1a2b3c4d -->
const referenceDocument = "docs/configuration.md"

var mark = regexp.MustCompile(`(?m)^<!-- english: (\S*) -->$`)

// The Chinese reference says what the English one says now.
func TestChineseReferenceIsUpToDate(t *testing.T) {
	t.Parallel()
	chinese := parts(string(readFile(t, otherLanguage(referenceDocument))))
	english := parts(string(readFile(t, referenceDocument)))
	if len(english) < 60 || len(chinese) != len(english) {
		t.Fatalf("%s has %d sections, and %s %d: TestDocumentsSayTheSame says where they part ways", referenceDocument, len(english), otherLanguage(referenceDocument), len(chinese))
	}
	for i, part := range english {
		title, _, _ := strings.Cut(part, "\n")
		sum := sha256.Sum256([]byte(strings.Join(strings.Fields(part), " ")))
		want := hex.EncodeToString(sum[:4])
		switch marks := mark.FindAllStringSubmatch(chinese[i], -1); {
		case len(marks) != 1:
			t.Errorf("%s: the section for %q has %d marks, want one: <!-- english: %s -->", otherLanguage(referenceDocument), title, len(marks), want)
		case marks[0][1] != want:
			t.Errorf("%s is behind: %q has changed in English. Say the same there, then put the mark <!-- english: %s --> instead of %s",
				otherLanguage(referenceDocument), title, want, marks[0][1])
		}
	}
}

// parts cuts a document before each heading. What stands in blocks of code is
// no heading.
func parts(text string) []string {
	var all []string
	fenced := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if !fenced && headingLine.MatchString(strings.TrimSuffix(line, "\n")) || len(all) == 0 {
			all = append(all, "")
		}
		all[len(all)-1] += line
	}
	return all
}

// Caddyfile.example has every option of the reference.
func TestExampleHasEveryOption(t *testing.T) {
	t.Parallel()
	for _, name := range optionsOf(t) {
		if !regexp.MustCompile(`(?m)^[\t #]*` + name + `\b`).MatchString(string(gateway.Example)) {
			t.Errorf("Caddyfile.example lacks the option %s: write it there as a comment, with its default", name)
		}
	}
}

// The tables of the README have every option of a site, and no other.
func TestReadmeHasTheOptionsOfASite(t *testing.T) {
	t.Parallel()
	var want []string
	for _, match := range regexp.MustCompile(`(?m)^### wechat_auth: ([a-z_]+)\n\n`+"`").FindAllStringSubmatch(string(readFile(t, referenceDocument)), -1) {
		want = append(want, match[1])
	}
	for _, document := range []string{"README.md", otherLanguage("README.md")} {
		_, table, _ := strings.Cut(string(readFile(t, document)), "`wechat_auth`")
		_, table, _ = strings.Cut(table, "\n|---|---|\n")
		table, _, _ = strings.Cut(table, "\n\n")
		var got []string
		for _, match := range regexp.MustCompile("(?m)^\\| `([a-z_]+)").FindAllStringSubmatch(table, -1) {
			got = append(got, match[1])
		}
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Errorf("the table of the options of a site in %s lacks %s: add a row", document, name)
			}
		}
		for _, name := range got {
			if !slices.Contains(want, name) {
				t.Errorf("the table of the options of a site in %s has %s, which is no option", document, name)
			}
		}
	}
}

// optionsOf lists the words of the reference that a Caddyfile may have.
func optionsOf(t *testing.T) []string {
	t.Helper()
	var options []string
	for _, part := range parts(string(readFile(t, referenceDocument))) {
		heading := regexp.MustCompile(`^### (?:[a-z_ ]+: )?([a-z_]+)\n`).FindStringSubmatch(part)
		if heading != nil && !strings.Contains(part, "\nIn JSON only.\n") && !slices.Contains(options, heading[1]) {
			options = append(options, heading[1])
		}
	}
	if len(options) < 50 {
		t.Fatalf("only %d options were found: is the form of %s another one?", len(options), referenceDocument)
	}
	return options
}
