package command

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func keysCommand() *cobra.Command {
	e := new(endpoint)
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Rotates the generated session keys",
		Long: `Rotates the session keys that the gateway generates. The gateway rotates them every 30 days; use this command to
replace a key sooner. Keys configured with session { key … } are rotated in the configuration.` + endpointHelp,
	}
	e.flags(cmd)
	return group(cmd, rotateKeysCommand(e))
}

func rotateKeysCommand(e *endpoint) *cobra.Command {
	var retireNow, yes bool
	cmd := &cobra.Command{
		Use:   "rotate [--retire-now --yes]",
		Short: "Adds a session key, or replaces a leaked one at once",
		Long: `Adds a session key. It seals after fifteen minutes, when all gateways that share the storage know it. No visitor
is signed out: the older keys open sessions until the last session that they sealed has ended.

With --retire-now a new key replaces all others at once, because one of them has leaked: every session ends, open
connections too, and all visitors must sign in again. This gateway refuses what the old keys sealed at once, other
gateways that share the storage within a minute.` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if retireNow && !yes {
				return errors.New("this ends every session, and all visitors must sign in again; add --yes to confirm")
			}
			return rotateKeys(cmd, e, retireNow)
		},
	}
	cmd.Flags().BoolVar(&retireNow, "retire-now", false, "a key has leaked: end every session")
	cmd.Flags().BoolVar(&yes, "yes", false, "yes, every session")
	return cmd
}

func rotateKeys(cmd *cobra.Command, e *endpoint, retireNow bool) error {
	c, err := e.client()
	if err != nil {
		return err
	}
	path := "/wechat/keys/rotate"
	if retireNow {
		path += "?retire_now=true"
	}
	var answer struct {
		Key   string    `json:"key"`
		Seals time.Time `json:"seals"`
	}
	if err := c.into(cmd.Context(), http.MethodPost, path, &answer); err != nil {
		return err
	}
	if retireNow {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "The key %s has replaced all others. All visitors must sign in again.\n", answer.Key)
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "The key %s seals from %s on. No visitor is signed out.\n", answer.Key, moment(answer.Seals))
	return err
}
