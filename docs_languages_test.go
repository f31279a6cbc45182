package gateway_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Documents are written in two languages: beside each x.md stands x.zh-CN.md.
// The tests here hold each pair together: the same headings, tables, blocks of
// code and code spans. What is meant for one language only is said in the
// document, in the section where it stands:
//
//	<!-- only here: `a span` `another` -->
//
// and before a block of code that differs:
//
//	<!-- only here: block -->

const chineseSuffix = ".zh-CN.md"

// inOneLanguage lists documents that are not translated.
var inOneLanguage = []string{"CHANGELOG.md"}

// Every document stands in English and in Chinese, and each names the other at
// its top.
func TestDocumentsAreInTwoLanguages(t *testing.T) {
	t.Parallel()
	for _, document := range documentsOf(t) {
		if slices.Contains(inOneLanguage, document) {
			continue
		}
		other := otherLanguage(document)
		switch {
		case !exists(other):
			t.Errorf("%s has no %s", document, other)
		case !strings.Contains(top(string(readFile(t, document))), "]("+path.Base(other)+")"):
			t.Errorf("%s does not link %s below its title", document, path.Base(other))
		}
	}
}

// The two versions of a document say the same.
func TestDocumentsSayTheSame(t *testing.T) {
	t.Parallel()
	pairs := 0
	for _, document := range documentsOf(t) {
		if !strings.HasSuffix(document, chineseSuffix) {
			continue
		}
		english := otherLanguage(document)
		if !exists(english) {
			continue // TestDocumentsAreInTwoLanguages says so
		}
		pairs++
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			for _, difference := range differences(string(readFile(t, english)), string(readFile(t, document))) {
				t.Errorf("%s and %s: %s", english, document, difference)
			}
		})
	}
	if pairs < 6 {
		t.Errorf("only %d pairs of documents were found", pairs)
	}
}

// docs/README.md leads to every document.
func TestIndexOfDocuments(t *testing.T) {
	t.Parallel()
	index := string(readFile(t, "docs/README.md"))
	for _, document := range documentsOf(t) {
		name, inFolder := strings.CutPrefix(document, "docs/")
		if !inFolder {
			name = "../" + document
		}
		if !strings.HasSuffix(document, chineseSuffix) && document != "docs/README.md" && !strings.Contains(index, "]("+name+")") && !strings.Contains(index, "]("+name+"#") {
			t.Errorf("docs/README.md does not lead to %s: add a line under the reader it is for", document)
		}
	}
}

// A Chinese document leads to Chinese documents.
func TestChineseDocumentsLinkChineseOnes(t *testing.T) {
	t.Parallel()
	for _, document := range documentsOf(t) {
		if !strings.HasSuffix(document, chineseSuffix) {
			continue
		}
		text := codeSpan.ReplaceAllString(withoutFences(t, document), "")
		for _, found := range saysEnglish.FindAllString(text, -1) {
			t.Errorf("%s: %q: the document is Chinese", document, found)
		}
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			name, _, _ := strings.Cut(match[1], "#")
			file := path.Join(path.Dir(document), name)
			if !strings.HasSuffix(name, ".md") || strings.HasSuffix(name, chineseSuffix) || strings.Contains(name, "://") || file == otherLanguage(document) {
				continue
			}
			if chinese := otherLanguage(file); exists(chinese) {
				t.Errorf("%s links %s: link %s", document, match[1], strings.TrimSuffix(name, ".md")+chineseSuffix)
			}
		}
	}
}

// saysEnglish is a link to a Chinese document that is called English.
var saysEnglish = regexp.MustCompile(`\]\([^()\s]+\.zh-CN\.md[^()\s]*\)[^\n]{0,3}英文`)

// The two versions of a document lead to the same sections of the same
// documents.
func TestDocumentsLinkTheSame(t *testing.T) {
	t.Parallel()
	for _, document := range documentsOf(t) {
		if !strings.HasSuffix(document, chineseSuffix) || !exists(otherLanguage(document)) {
			continue
		}
		english, chinese := targets(t, otherLanguage(document)), targets(t, document)
		for _, target := range slices.Sorted(maps.Keys(english)) {
			if chinese[target] == "" {
				t.Errorf("%s lacks the link %s of the English version", document, english[target])
			}
		}
		for _, target := range slices.Sorted(maps.Keys(chinese)) {
			if english[target] == "" {
				t.Errorf("%s lacks the link %s of the Chinese version", otherLanguage(document), chinese[target])
			}
		}
	}
}

// targets lists where the links of a document lead, other hosts excepted: the
// English file and the number of its heading, and the link as it is written.
func targets(t *testing.T, document string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, match := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(withoutFences(t, document), ""), -1) {
		name, heading, _ := strings.Cut(match[1], "#")
		file := document
		if name != "" {
			file = path.Join(path.Dir(document), name)
		}
		if strings.Contains(name, "://") || name != "" && heading == "" && file == otherLanguage(document) || !exists(file) {
			continue // TestLinksInDocuments reports what is not there
		}
		number := 0
		if heading != "" {
			number = anchors(withoutFences(t, file))[heading]
		}
		if strings.HasSuffix(file, chineseSuffix) {
			file = otherLanguage(file)
		}
		all[fmt.Sprintf("%s %d", file, number)] = match[1]
	}
	return all
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// otherLanguage is the name of a document's other version.
func otherLanguage(document string) string {
	if english, ok := strings.CutSuffix(document, chineseSuffix); ok {
		return english + ".md"
	}
	return strings.TrimSuffix(document, ".md") + chineseSuffix
}

// top is what stands between a document's title and the next heading.
func top(text string) string {
	_, text, _ = strings.Cut(text, "\n")
	text, _, _ = strings.Cut(text, "\n#")
	return text
}

// section is a part of a document, from one heading to the next.
type section struct {
	level   int
	title   string
	blocks  []block
	tables  []table
	spans   map[string]bool
	only    map[string]bool // the spans that the other language need not have
	lineNum int
}

// block is a block of code.
type block struct {
	language, code string
	only           bool
	lineNum        int
}

// table is the size of a table.
type table struct{ rows, columns, lineNum int }

var (
	fenceLine   = regexp.MustCompile("^ *```+ *([^`]*)$")
	headingLine = regexp.MustCompile(`^(#{1,6}) +(.*)$`)
	startsAnew  = regexp.MustCompile("^ *(```|#{1,6} |\\||<!--|[-*] |[0-9]+\\. )")
	onlyHere    = regexp.MustCompile("^ *<!-- only here: (.*) -->$")
	// angle is a part of a code span in angle or square brackets, which a reader
	// replaces. Its words may be translated.
	angle = regexp.MustCompile(`<[^<>]*>|\[[^\[\]]*\]`)
	// comments of code may be translated.
	blockComment = regexp.MustCompile(`(?s)/\*.*?\*/|<!--.*?-->|<%--.*?--%>|""".*?"""`)
	lineComment  = regexp.MustCompile(`(?m)(^|\s)(#|///?|--|;|%%)(\s.*)?$`)
)

// sections reads a document.
func sections(text string) []section {
	current := func() section { return section{spans: map[string]bool{}, only: map[string]bool{}} }
	all := []section{current()}
	lines := strings.Split(text, "\n")
	onlyBlock := false
	var paragraph []string // a code span may go on in the next line
	endParagraph := func() {
		all[len(all)-1].addSpans(strings.Join(paragraph, " "))
		paragraph = nil
	}
	for i := 0; i < len(lines); i++ {
		here, line := &all[len(all)-1], lines[i]
		if prose := strings.TrimSpace(line) != "" && !startsAnew.MatchString(line); !prose {
			endParagraph()
		}
		switch {
		case fenceLine.MatchString(line):
			b := block{language: fenceLine.FindStringSubmatch(line)[1], only: onlyBlock, lineNum: i + 1}
			var code []string
			for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
				code = append(code, lines[i])
			}
			b.code = codeAlone(strings.Join(code, "\n"))
			here.blocks = append(here.blocks, b)
			onlyBlock = false
		case headingLine.MatchString(line):
			m := headingLine.FindStringSubmatch(line)
			next := current()
			next.level, next.title, next.lineNum = len(m[1]), m[2], i+1
			next.addSpans(m[2])
			all = append(all, next)
		case onlyHere.MatchString(line):
			what := onlyHere.FindStringSubmatch(line)[1]
			onlyBlock = what == "block"
			for _, span := range codeSpan.FindAllString(what, -1) {
				here.only[spanText(span)] = true
			}
		case strings.HasPrefix(strings.TrimSpace(line), "|"):
			one := table{columns: cells(line), lineNum: i + 1}
			for ; i < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[i]), "|"); i++ {
				one.rows++
				here.addSpans(lines[i])
			}
			i--
			here.tables = append(here.tables, one)
		default:
			paragraph = append(paragraph, strings.TrimSpace(line))
		}
	}
	endParagraph()
	return all
}

func (s *section) addSpans(text string) {
	for _, span := range codeSpan.FindAllString(text, -1) {
		s.spans[spanText(span)] = true
	}
}

// spanText is a code span without the words in brackets.
func spanText(span string) string {
	return strings.TrimSpace(angle.ReplaceAllString(strings.ReplaceAll(strings.Trim(span, "`"), `\|`, "|"), "<…>"))
}

// cells is the number of a row's cells.
func cells(row string) int {
	row = strings.ReplaceAll(codeSpan.ReplaceAllString(row, ""), `\|`, "")
	return strings.Count(strings.Trim(strings.TrimSpace(row), "|"), "|") + 1
}

// codeAlone is code without comments, indentation and blank lines.
func codeAlone(code string) string {
	code = lineComment.ReplaceAllString(blockComment.ReplaceAllString(code, ""), "")
	var lines []string
	for line := range strings.SplitSeq(code, "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// nameAlone is a heading that is a name, the same in both languages, such as
// "wechat_auth: check" in docs/configuration.md.
var nameAlone = regexp.MustCompile(`^[a-z_]+(?: [a-z_]+)?: [a-z_]+$`)

// differences lists in what the two versions of a document differ.
func differences(english, chinese string) []string {
	en, zh := sections(english), sections(chinese)
	var found []string
	for i := range max(len(en), len(zh)) {
		switch {
		case i >= len(zh):
			return append(found, fmt.Sprintf("the Chinese version has no heading for %q (line %d) and what follows it", en[i].title, en[i].lineNum))
		case i >= len(en):
			return append(found, fmt.Sprintf("the English version has no heading for %q (line %d) and what follows it", zh[i].title, zh[i].lineNum))
		case en[i].level != zh[i].level, nameAlone.MatchString(en[i].title) && en[i].title != zh[i].title:
			return append(found, fmt.Sprintf("the headings part ways: level %d %q (line %d), and level %d %q (line %d)",
				en[i].level, en[i].title, en[i].lineNum, zh[i].level, zh[i].title, zh[i].lineNum))
		}
		for _, difference := range sectionDifferences(en[i], zh[i]) {
			found = append(found, fmt.Sprintf("section %q (lines %d, %d): %s", en[i].title, en[i].lineNum, zh[i].lineNum, difference))
		}
	}
	return found
}

func sectionDifferences(en, zh section) []string {
	var found []string
	add := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	enBlocks, zhBlocks := shared(en.blocks), shared(zh.blocks)
	if len(enBlocks) != len(zhBlocks) {
		add("%d blocks of code in English, %d in Chinese", len(enBlocks), len(zhBlocks))
	}
	for i := range min(len(enBlocks), len(zhBlocks)) {
		a, b := enBlocks[i], zhBlocks[i]
		if a.language != b.language {
			add("the block of code at line %d is %q, and at line %d %q", a.lineNum, a.language, b.lineNum, b.language)
		}
		if a.code != b.code {
			x, y := firstDifference(a.code, b.code)
			add("the blocks of code at lines %d and %d differ: English has %q, Chinese %q", a.lineNum, b.lineNum, x, y)
		}
	}
	if len(en.tables) != len(zh.tables) {
		add("%d tables in English, %d in Chinese", len(en.tables), len(zh.tables))
	}
	for i := range min(len(en.tables), len(zh.tables)) {
		a, b := en.tables[i], zh.tables[i]
		if a.rows != b.rows || a.columns != b.columns {
			add("the table at line %d has %d rows and %d columns, the one at line %d %d and %d", a.lineNum, a.rows, a.columns, b.lineNum, b.rows, b.columns)
		}
	}
	if missing := lacks(en, zh); len(missing) > 0 {
		add("Chinese lacks the code spans %s", missing)
	}
	if missing := lacks(zh, en); len(missing) > 0 {
		add("English lacks the code spans %s", missing)
	}
	return found
}

// shared leaves out the blocks of one language only.
func shared(blocks []block) []block {
	return slices.DeleteFunc(slices.Clone(blocks), func(b block) bool { return b.only })
}

// lacks lists the code spans of a section that its other version does not have.
func lacks(section, other section) []string {
	var missing []string
	for _, span := range slices.Sorted(maps.Keys(section.spans)) {
		if !other.spans[span] && !section.only[span] {
			missing = append(missing, "`"+span+"`")
		}
	}
	return missing
}

// firstDifference is the first line in which two texts differ.
func firstDifference(a, b string) (string, string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		switch {
		case i >= len(x):
			return "", y[i]
		case i >= len(y):
			return x[i], ""
		case x[i] != y[i]:
			return x[i], y[i]
		}
	}
	return "", ""
}

// The comparison finds what differs, and nothing else.
func TestDifferencesOfDocuments(t *testing.T) {
	t.Parallel()
	const fence = "```"
	const english = "# Title\n\nUse `a` and `b\nc`.\n\n## Two\n\n| `x` | y |\n|---|---|\n| 1 | 2 |\n\n" + fence + "sh\nrun it # now\n\n# why\n" + fence + "\n\n`cmd <name>`\n"
	const chinese = "# 标题\n\n用 `a` 和 `b c`。\n\n## 二\n\n| `x` | 乙 |\n|---|---|\n| 1 | 2 |\n\n" + fence + "sh\n# 为什么\nrun it # 现在\n" + fence + "\n\n`cmd <名字>`\n"
	for _, row := range []struct{ name, old, new, want string }{
		{"the same", "", "", ""},
		{"a level", "## 二", "### 二", `the headings part ways: level 2 "Two" (line 6), and level 3 "二" (line 5)`},
		{"a heading more", "## 二", "## 一\n\n## 二", `section "Two"`},
		{"a heading less", "## 二\n", "", `the Chinese version has no heading for "Two" (line 6)`},
		{"a span less", "`a` 和", "", "section \"Title\" (lines 1, 1): Chinese lacks the code spans [`a`]"},
		{"a span more", "用", "用 `z`", "English lacks the code spans [`z`]"},
		{"a span more, for this language", "用", "<!-- only here: `z` `y` -->\n用 `z`", ""},
		{"a span in a heading", "## 二", "## 二 `x2`", "English lacks the code spans [`x2`]"},
		{"a row less", "| 1 | 2 |\n", "", "has 3 rows and 2 columns, the one at line 7 2 and 2"},
		{"a column more", "| 1 | 2 |", "| 1 | 2 |\n\n| 1 |", "1 tables in English, 2 in Chinese"},
		{"another command", "run it", "run that", `English has "run it", Chinese "run that"`},
		{"a line of code less", "run it # 现在\n", "", `English has "run it", Chinese ""`},
		{"another language of code", fence + "sh", fence + "text", `is "sh", and at line 11 "text"`},
		{"a block less", fence + "sh\n# 为什么\nrun it # 现在\n" + fence, "", "1 blocks of code in English, 0 in Chinese"},
		{"a block more, for this language", "`cmd", "<!-- only here: block -->\n" + fence + "\nmore\n" + fence + "\n\n`cmd", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(chinese, row.old, row.new, 1)
			got := strings.Join(differences(english, changed), "\n")
			if (row.want == "") != (got == "") || !strings.Contains(got, row.want) {
				t.Errorf("%q for %q gave\n%s\nwant\n%s", row.new, row.old, got, row.want)
			}
		})
	}
}
