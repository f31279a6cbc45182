package command

import (
	"errors"
	"net/http"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// The exit statuses of commands that ask the server. Success is 0. `wechat
// doctor` has its own: 2 is a warning there, and no status of these.
const (
	exitError       = 1 // the command is wrong, or something else has failed
	exitNotFound    = 3 // there is no such person, session, webhook or letter
	exitUnavailable = 4 // the server, its store or its keys do not answer
	exitRefused     = 5 // the server refused the call, or it was not confirmed
)

// errNotConfirmed reports that nothing was done.
var errNotConfirmed = errors.New("not confirmed")

// errNoPerson is the answer of a search without a result.
var errNoPerson = errors.New("there is no such person")

// errUnreachable reports that the server was not reached.
var errUnreachable = errors.New("asking the running server")

// exitStatus returns the exit status for an error.
func exitStatus(err error) int {
	var r *refusal
	switch {
	case errors.Is(err, errNoPerson):
		return exitNotFound
	case errors.Is(err, errNotConfirmed):
		return exitRefused
	case errors.Is(err, errUnreachable), errors.Is(err, errNotReady):
		return exitUnavailable
	case !errors.As(err, &r):
		return exitError
	}
	switch r.Status {
	case http.StatusNotFound:
		return exitNotFound
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return exitUnavailable
	case http.StatusInternalServerError, http.StatusBadGateway:
		return exitError
	default:
		return exitRefused
	}
}

// exits gives the command and those below it the exit statuses, and with --json
// the answer to a refused call on standard output. A command that was not given
// its own completion completes no files: its arguments are ids.
func exits(cmd *cobra.Command) *cobra.Command {
	for _, c := range cmd.Commands() {
		exits(c)
	}
	if cmd.HasSubCommands() {
		return cmd
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		var r *refusal
		if asJSON, _ := cmd.Flags().GetBool("json"); asJSON && errors.As(err, &r) {
			if _, failed := cmd.OutOrStdout().Write(r.raw); failed != nil {
				err = errors.Join(err, failed)
			}
		}
		return withStatus(err)
	}
	return cmd
}

// exiting is an error that also sets the exit status.
type exiting struct {
	error
	status error // Caddy's own type, which its main function looks for
}

// Unwrap implements errors.Unwrap.
func (e exiting) Unwrap() []error { return []error{e.error, e.status} }

// withStatus returns an error that makes the binary exit with its status.
func withStatus(err error) error {
	if err == nil {
		return nil
	}
	status := exitStatus(err)
	if status == exitError {
		return err
	}
	carrier := caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return status, nil })
	return exiting{err, carrier(new(cobra.Command), nil)}
}
