package command

import (
	"errors"
	"fmt"
	"io"
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
		Short: "Shows the events that wait for business systems, tries webhooks, and resends or removes dead letters",
		Long: `Shows the events that wait for business systems, and tries a webhook. An event that a system did not accept within three
days becomes a dead letter, which can be shown, sent again and removed.` + endpointHelp,
	}
	e.flags(cmd)
	return group(cmd, listWebhooksCommand(e), deadLettersCommand(e), redeliverCommand(e), showWebhookCommand(e), testWebhookCommand(e), purgeCommand(e))
}

func listWebhooksCommand(e *endpoint) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Lists the webhooks with their waiting events and dead letters",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd, e, http.MethodGet, webhooksPath, writeWebhooks)
		},
	}
}

// webhooksPath is the call that lists the webhooks.
const webhooksPath = "/wechat/webhooks"

// listedWebhook is a webhook in the server's list.
type listedWebhook struct {
	Name    string `json:"name"`
	Waiting int    `json:"waiting"`
	Dead    int    `json:"dead"`
}

func writeWebhooks(w io.Writer, list []listedWebhook) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "No webhook is configured.")
		return err
	}
	return table(w, func(row func(...string)) {
		row("WEBHOOK", "WAITING", "DEAD LETTERS")
		for _, h := range list {
			row(h.Name, strconv.Itoa(h.Waiting), strconv.Itoa(h.Dead))
		}
	})
}

func deadLettersCommand(e *endpoint) *cobra.Command {
	var after string
	cmd := &cobra.Command{
		Use:   "dead <webhook>",
		Short: "Lists the dead letters of a webhook, the newest first",

		ValidArgsFunction: e.completeWebhook,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return errors.New("give one webhook, by its name in `wechat webhooks list`")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path := webhookPath(args[0], "dead")
			if after != "" {
				path += "?" + url.Values{"after": {after}}.Encode()
			}
			return ask(cmd, e, http.MethodGet, path, writeDeadLetters)
		},
	}
	cmd.Flags().StringVar(&after, "after", "", "list the letters after this one: a list has at most 100")
	return cmd
}

// deadLetter is an event that the gateway has given up delivering.
type deadLetter struct {
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	User     string    `json:"user"`
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"`
	Reason   string    `json:"reason"`
}

func writeDeadLetters(w io.Writer, list []deadLetter) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "There are no dead letters.")
		return err
	}
	return table(w, func(row func(...string)) {
		row("LETTER", "EVENT", "PERSON", "HAPPENED", "ATTEMPTS", "LAST FAILURE")
		for _, l := range list {
			row(l.ID, l.Type, l.User, moment(l.At), strconv.Itoa(l.Attempts), l.Reason)
		}
	})
}

func redeliverCommand(e *endpoint) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "redeliver <webhook> (<letter> | --all)",
		Short: "Sends dead letters again, under their old ids",

		ValidArgsFunction: e.completeWebhook,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 || args[0] == "" {
				return errors.New("give one webhook, by its name in `wechat webhooks list`, and a letter or --all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := lettersPath(args, "redeliver", all)
			if err != nil {
				return err
			}
			type redelivered struct {
				Redelivered int `json:"redelivered"`
			}
			return ask(cmd, e, http.MethodPost, path, func(w io.Writer, answer redelivered) error {
				_, err := fmt.Fprintf(w, "Waiting to be sent again: %d.\n", answer.Redelivered)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all dead letters of the webhook")
	return cmd
}

// lettersPath is the path of a call about one dead letter of a webhook, or about
// all.
func lettersPath(args []string, call string, all bool) (string, error) {
	path := webhookPath(args[0], call)
	switch {
	case all == (len(args) == 2) || len(args) == 2 && args[1] == "":
		return "", errors.New("give either a letter or --all")
	case all:
		return path, nil
	}
	return path + "?" + url.Values{"id": {args[1]}}.Encode(), nil
}

func webhookPath(name, what string) string {
	return webhooksPath + "/" + url.PathEscape(name) + "/" + what
}
