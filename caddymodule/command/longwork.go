package command

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// long runs a command that makes many calls. The context ends with Ctrl+C.
func (e *endpoint) long(run func(ctx context.Context, c *client, cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		c, err := e.client()
		if err != nil {
			return err
		}
		return run(ctx, c, cmd, args)
	}
}

// sum prints what such a command has done: sum with --json, otherwise a
// sentence.
func (e *endpoint) sum(cmd *cobra.Command, sum any, format string, values ...any) (err error) {
	if e.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(sum)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), format+"\n", values...)
	return err
}
