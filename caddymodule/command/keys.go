package command

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func keysCommand() *cobra.Command {
	e := new(endpoint)
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Shows the session keys, and rotates the generated ones",
		Long: `Shows the session keys, and rotates those that the gateway generates. The gateway rotates them every 30 days; use this command to
replace a key sooner. Keys configured with session { key … } are rotated in the configuration.` + endpointHelp,
	}
	e.flags(cmd)
	return group(cmd, rotateKeysCommand(e), showKeysCommand(e))
}

func rotateKeysCommand(e *endpoint) *cobra.Command {
	var retireNow bool
	var sure confirmation
	cmd := &cobra.Command{
		Use:   "rotate [--retire-now [--yes]]",
		Short: "Adds a session key, or replaces a leaked one at once",
		Long: `Adds a session key. It seals after fifteen minutes, when all gateways that share the storage know it. No visitor
is signed out: the older keys open sessions until the last session that they sealed has ended.

With --retire-now a new key replaces all others at once, because one of them has leaked: every session ends, open
connections too, and all visitors must sign in again. This gateway refuses what the old keys sealed at once, other
gateways that share the storage within a minute.` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if retireNow {
				if err := sure.ask(cmd, "this ends every session, and all visitors must sign in again"); err != nil {
					return err
				}
			}
			return rotateKeys(cmd, e, retireNow)
		},
	}
	cmd.Flags().BoolVar(&retireNow, "retire-now", false, "a key has leaked: end every session")
	sure.flag(cmd, "yes, every session")
	return cmd
}

func rotateKeys(cmd *cobra.Command, e *endpoint, retireNow bool) error {
	path := "/wechat/keys/rotate"
	if retireNow {
		path += "?retire_now=true"
	}
	type rotated struct {
		Key   string    `json:"key"`
		Seals time.Time `json:"seals"`
	}
	return ask(cmd, e, http.MethodPost, path, func(w io.Writer, answer rotated) error {
		if retireNow {
			_, err := fmt.Fprintf(w, "The key %s has replaced all others. All visitors must sign in again.\n", answer.Key)
			return err
		}
		_, err := fmt.Fprintf(w, "The key %s seals from %s on. No visitor is signed out.\n", answer.Key, moment(answer.Seals))
		return err
	})
}
