package command

import (
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// readable makes a command, and those below it, write to a terminal what can be
// read, and nothing that a terminal carries out. Attack: a nickname, an error
// of another system, or a program at the admin endpoint sends control
// sequences, which write into the operator's clipboard or hide a line.
func readable(cmd *cobra.Command) *cobra.Command {
	for _, c := range cmd.Commands() {
		readable(c)
	}
	if run := cmd.RunE; run != nil && !cmd.HasSubCommands() {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if out, ok := cmd.OutOrStdout().(*os.File); ok && isTerminal(out) {
				cmd.SetOut(&terminalWriter{file: out})
			}
			if err := run(cmd, args); err != nil {
				return readableError{err}
			}
			return nil
		}
	}
	return cmd
}

// readableError is an error whose text can be printed.
type readableError struct{ error }

func (e readableError) Error() string { return escape(e.error.Error()) }

// Unwrap implements errors.Unwrap.
func (e readableError) Unwrap() error { return e.error }

// terminalWriter escapes what is written to a terminal.
type terminalWriter struct {
	file *os.File
	rest []byte // the beginning of a character whose end has not been written
}

// Write implements io.Writer.
func (w *terminalWriter) Write(p []byte) (int, error) {
	all := append(w.rest, p...)
	whole := len(all)
	for i := 1; i < utf8.UTFMax && i <= len(all); i++ {
		if last := all[len(all)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				whole -= i
			}
			break
		}
	}
	if _, err := w.file.WriteString(escape(string(all[:whole]))); err != nil {
		return 0, err
	}
	w.rest = append([]byte(nil), all[whole:]...)
	return len(p), nil
}

// escape writes characters that are not printed as JSON does, such as \u001b:
// in JSON they mean the same. Line ends and tabs stay.
func escape(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return strings.ToValidUTF8(text, `\ufffd`)
	}
	var b strings.Builder
	for _, r := range text {
		if !hidden(r) && r != utf8.RuneError {
			b.WriteRune(r)
			continue
		}
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
			continue
		}
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.String()
}

func hidden(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }
