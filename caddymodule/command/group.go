package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// group makes cmd a command that only contains others. Alone it shows its help.
// An unknown command is an error: Cobra would show the help and report success,
// and a script that mistypes `erase` would take it for done.
func group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(commands...)
	cmd.DisableFlagsInUseLine = true
	cmd.Args = known
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	// The flags of a mistyped command are unknown, too; report the command
	// first.
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, flag error) error {
		if cmd.HasSubCommands() && len(cmd.Flags().Args()) > 0 {
			return known(cmd, cmd.Flags().Args())
		}
		return flag
	})
	return cmd
}

// known refuses arguments that are not a command of the group.
func known(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	sentence := fmt.Sprintf("there is no command %q in %q; ", args[0], cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2 // letters that may be wrong
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		return errors.New(sentence + "did you mean " + strings.Join(similar, " or ") + "?")
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	if len(names) == 1 {
		return errors.New(sentence + "there is " + names[0])
	}
	return errors.New(sentence + "there are " + strings.Join(names, ", "))
}
