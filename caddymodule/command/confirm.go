package command

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// confirmation is the flag --yes of a command that cannot be undone.
type confirmation struct{ yes bool }

func (c *confirmation) flag(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&c.yes, "yes", false, usage+"; do not ask")
}

// ask returns an error if the operator does not want it. what says what will
// happen. On a terminal it asks. Attack: a job without a terminal confirms with
// what it happens to read; a script must say --yes.
func (c *confirmation) ask(cmd *cobra.Command, what string) error {
	if c.yes {
		return nil
	}
	if !isTerminal(cmd.InOrStdin()) || !isTerminal(cmd.ErrOrStderr()) {
		return fmt.Errorf("%w: %s; add --yes to confirm", errNotConfirmed, what)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s. Type yes to go on: ", strings.ToUpper(what[:1])+what[1:])
	answer, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 1<<10)).ReadString('\n')
	if err == nil && strings.EqualFold(strings.TrimSpace(answer), "yes") {
		return nil
	}
	return fmt.Errorf("%w: nothing was done", errNotConfirmed)
}

// isTerminal reports whether a stream of a command is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if w, escapes := stream.(*terminalWriter); escapes {
		f, ok = w.file, true
	}
	return ok && term.IsTerminal(int(f.Fd()))
}
