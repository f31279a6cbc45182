package command

import (
	"bufio"
	"io"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"
)

// table prints rows. On a terminal the columns are aligned; elsewhere a tab
// separates the cells, for scripts.
func table(w io.Writer, rows func(row func(...string))) error {
	var all [][]string
	rows(func(cells ...string) {
		clean := make([]string, len(cells))
		for i, c := range cells {
			clean[i] = cell(c)
		}
		all = append(all, clean)
	})
	out := bufio.NewWriter(w)
	if isTerminal(w) {
		writeAligned(out, all)
	} else {
		for _, row := range all {
			_, _ = out.WriteString(strings.Join(row, "\t") + "\n") // Flush has the error
		}
	}
	return out.Flush()
}

// cell returns a text for a table. Attack: text from elsewhere, such as the
// answer of a webhook's receiver, has control sequences of the terminal or tabs
// and line ends that move the columns.
func cell(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// gap separates the columns of an aligned table.
const gap = "  "

func writeAligned(out *bufio.Writer, rows [][]string) {
	var columns []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(columns) {
				columns = append(columns, 0)
			}
			columns[i] = max(columns[i], columnsOf(c))
		}
	}
	for _, row := range rows {
		line := ""
		for i, c := range row {
			line += c + strings.Repeat(" ", columns[i]-columnsOf(c)) + gap
		}
		_, _ = out.WriteString(strings.TrimRight(line, " ") + "\n") // Flush has the error
	}
}

// columnsOf returns how many columns a terminal needs for a text: two for a
// Chinese character, none for a mark that stands on the character before it.
func columnsOf(text string) (n int) {
	for _, r := range text {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case kind == width.EastAsianWide, kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// moment formats a time in the local time zone.
func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04:05 -0700")
}
