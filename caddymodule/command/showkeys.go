package command

import (
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// keyList is the server's list of its session keys.
type keyList struct {
	Generated bool `json:"generated"`
	Keys      []struct {
		ID      string    `json:"id"`
		Created time.Time `json:"created"`
		Seals   time.Time `json:"seals"`
		State   string    `json:"state"`
	} `json:"keys"`
}

func showKeysCommand(e *endpoint) *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Lists the session keys, without their secrets",
		Long: `Lists the session keys, the newest first, without their secrets. The current key seals, the next key will seal when all
gateways have read it, and old keys open what they sealed. A configured key has no times; its id is its fingerprint.` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd, e, http.MethodGet, "/wechat/keys", writeKeys)
		},
	}
}

func writeKeys(w io.Writer, list keyList) error {
	return table(w, func(row func(...string)) {
		if !list.Generated {
			row("CONFIGURED KEY", "STATE")
			for _, k := range list.Keys {
				row(k.ID, k.State)
			}
			return
		}
		row("KEY", "STATE", "MADE", "SEALS FROM")
		for _, k := range list.Keys {
			row(k.ID, k.State, moment(k.Created), moment(k.Seals))
		}
	})
}
