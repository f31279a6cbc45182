package command

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

func webhooksCommand() *cobra.Command {
	e := new(endpoint)
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "Shows the events that wait for business systems, and resends dead letters",
		Long: `Shows the events that wait for business systems. An event that a system did not accept within three days becomes a dead
letter, which can be shown and sent again.` + endpointHelp,
	}
	e.flags(cmd)
	return group(cmd, listWebhooksCommand(e), deadLettersCommand(e), redeliverCommand(e))
}

func listWebhooksCommand(e *endpoint) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Lists the webhooks with their waiting events and dead letters",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			var list []struct {
				Name    string `json:"name"`
				Waiting int    `json:"waiting"`
				Dead    int    `json:"dead"`
			}
			if err := c.into(cmd.Context(), http.MethodGet, "/wechat/webhooks", &list); err != nil {
				return err
			}
			if len(list) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "No webhook is configured.")
				return err
			}
			return table(cmd.OutOrStdout(), func(row func(...string)) {
				row("WEBHOOK", "WAITING", "DEAD LETTERS")
				for _, h := range list {
					row(h.Name, strconv.Itoa(h.Waiting), strconv.Itoa(h.Dead))
				}
			})
		},
	}
}

func deadLettersCommand(e *endpoint) *cobra.Command {
	var after string
	cmd := &cobra.Command{
		Use:   "dead <webhook>",
		Short: "Lists the dead letters of a webhook, the newest first",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return errors.New("give one webhook, by its name in `wechat webhooks list`")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			path := webhookPath(args[0], "dead")
			if after != "" {
				path += "?" + url.Values{"after": {after}}.Encode()
			}
			var list []struct {
				ID       string    `json:"id"`
				Type     string    `json:"type"`
				User     string    `json:"user"`
				At       time.Time `json:"at"`
				Attempts int       `json:"attempts"`
				Reason   string    `json:"reason"`
			}
			if err := c.into(cmd.Context(), http.MethodGet, path, &list); err != nil {
				return err
			}
			if len(list) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "There are no dead letters.")
				return err
			}
			return table(cmd.OutOrStdout(), func(row func(...string)) {
				row("LETTER", "EVENT", "PERSON", "HAPPENED", "ATTEMPTS", "LAST FAILURE")
				for _, l := range list {
					row(l.ID, l.Type, l.User, moment(l.At), strconv.Itoa(l.Attempts), l.Reason)
				}
			})
		},
	}
	cmd.Flags().StringVar(&after, "after", "", "list the letters after this one: a list has at most 100")
	return cmd
}

func redeliverCommand(e *endpoint) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "redeliver <webhook> (<letter> | --all)",
		Short: "Sends dead letters again, under their old ids",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 || args[0] == "" {
				return errors.New("give one webhook, by its name in `wechat webhooks list`, and a letter or --all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 2) || len(args) == 2 && args[1] == "" {
				return errors.New("give either a letter or --all")
			}
			c, err := e.client()
			if err != nil {
				return err
			}
			path := webhookPath(args[0], "redeliver")
			if !all {
				path += "?" + url.Values{"id": {args[1]}}.Encode()
			}
			var answer struct {
				Redelivered int `json:"redelivered"`
			}
			if err := c.into(cmd.Context(), http.MethodPost, path, &answer); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Waiting to be sent again: %d.\n", answer.Redelivered)
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all dead letters of the webhook")
	return cmd
}

func webhookPath(name, what string) string {
	return "/wechat/webhooks/" + url.PathEscape(name) + "/" + what
}
