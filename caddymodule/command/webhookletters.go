package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// letter is a waiting event or a dead letter, as the server shows it.
type letter struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	User      string          `json:"user"`
	At        time.Time       `json:"at"`
	Attempts  int             `json:"attempts"`
	NextTry   time.Time       `json:"next_try"`
	LastError string          `json:"last_error"`
	Dead      bool            `json:"dead"`
	Died      time.Time       `json:"died"`
	Body      json.RawMessage `json:"body"`
}

// shownWebhook is a webhook, as the server describes it.
type shownWebhook struct {
	Name      string    `json:"name"`
	Host      string    `json:"host"`
	Waiting   int       `json:"waiting"`
	Dead      int       `json:"dead"`
	Oldest    time.Time `json:"oldest"`
	NextTry   time.Time `json:"next_try"`
	LastError string    `json:"last_error"`
	Events    []letter  `json:"events"`
}

// webhookAndLetter are the arguments of a command that takes a webhook and
// perhaps a letter.
func webhookAndLetter(_ *cobra.Command, args []string) error {
	if len(args) == 0 || len(args) > 2 || args[0] == "" || len(args) == 2 && args[1] == "" {
		return errors.New("give one webhook, by its name in `wechat webhooks list`, and perhaps a letter")
	}
	return nil
}

func showWebhookCommand(e *endpoint) *cobra.Command {
	return &cobra.Command{
		Use:               "show <webhook> [<letter>]",
		Short:             "Shows the waiting events of a webhook, or one letter with its body",
		Args:              webhookAndLetter,
		ValidArgsFunction: e.completeWebhook,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return ask(cmd, e, http.MethodGet, webhookPath(args[0], "letters/"+url.PathEscape(args[1])), writeLetter)
			}
			return ask(cmd, e, http.MethodGet, webhooksPath+"/"+url.PathEscape(args[0]), writeWebhook)
		},
	}
}

// writeWebhook prints a webhook and the beginning of its queue.
func writeWebhook(w io.Writer, h shownWebhook) error {
	err := table(w, func(row func(...string)) {
		row("webhook", h.Name)
		row("host", h.Host)
		row("waiting", strconv.Itoa(h.Waiting))
		row("dead letters", strconv.Itoa(h.Dead))
		if h.Waiting > 0 {
			row("oldest", age(h.Oldest))
			row("next try", moment(h.NextTry))
			row("last error", none(h.LastError))
		}
	})
	if err != nil || len(h.Events) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return table(w, func(row func(...string)) {
		row("LETTER", "EVENT", "PERSON", "HAPPENED", "ATTEMPTS", "NEXT TRY", "LAST ERROR")
		for _, l := range h.Events {
			row(l.ID, l.Type, l.User, moment(l.At), strconv.Itoa(l.Attempts), nextTry(l), l.LastError)
		}
	})
}

// writeLetter prints one letter, and its body as it is sent, but with
// indentation.
func writeLetter(w io.Writer, l letter) error {
	err := table(w, func(row func(...string)) {
		row("letter", l.ID)
		row("event", l.Type)
		row("person", none(l.User))
		row("happened", age(l.At))
		row("attempts", strconv.Itoa(l.Attempts))
		if l.Dead {
			row("dead letter since", moment(l.Died))
		} else {
			row("next try", nextTry(l))
		}
		row("last error", none(l.LastError))
	})
	if err != nil {
		return err
	}
	var body bytes.Buffer
	if err := json.Indent(&body, l.Body, "", "  "); err != nil {
		return errors.New("the server's answer has no body of the letter")
	}
	_, err = fmt.Fprintf(w, "\n%s\n", body.Bytes())
	return err
}

func nextTry(l letter) string {
	if l.NextTry.IsZero() {
		return "in its turn"
	}
	return moment(l.NextTry)
}

// age prints a time and how long ago it was.
func age(t time.Time) string {
	return fmt.Sprintf("%s, %v ago", moment(t), time.Since(t).Round(time.Second))
}

// none prints a text that may be missing.
func none(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func testWebhookCommand(e *endpoint) *cobra.Command {
	return &cobra.Command{
		Use:   "test <webhook>",
		Short: "Sends a signed event of the type test, and shows the answer",
		Long: `Sends a signed event of the type test to the webhook's URL, waits at most 15 s, and shows what the receiver answered. The
command fails if the receiver did not accept it.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("give one webhook, by its name in `wechat webhooks list`")
			}
			return webhookAndLetter(cmd, args)
		},
		ValidArgsFunction: e.completeWebhook,
		RunE: func(cmd *cobra.Command, args []string) error {
			type trial struct {
				Status       int `json:"status"`
				Milliseconds int `json:"milliseconds"`
			}
			return ask(cmd, e, http.MethodPost, webhookPath(args[0], "test"), func(w io.Writer, answer trial) error {
				_, err := fmt.Fprintf(w, "The receiver answered %d after %d ms.\n", answer.Status, answer.Milliseconds)
				return err
			})
		},
	}
}

func purgeCommand(e *endpoint) *cobra.Command {
	var all bool
	var sure confirmation
	cmd := &cobra.Command{
		Use:   "purge <webhook> (<letter> | --all)",
		Short: "Removes dead letters for good",
		Args:  webhookAndLetter,

		ValidArgsFunction: e.completeWebhook,
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := lettersPath(args, "dead", all)
			if err != nil {
				return err
			}
			what := "the dead letter"
			if all {
				what = "all dead letters of the webhook"
			}
			if err := sure.ask(cmd, "this removes "+what+" for ever, and the receiver never gets what it says"); err != nil {
				return err
			}
			type purged struct {
				Purged int `json:"purged"`
			}
			return ask(cmd, e, http.MethodDelete, path, func(w io.Writer, answer purged) error {
				_, err := fmt.Fprintf(w, "Removed: %d.\n", answer.Purged)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all dead letters of the webhook")
	sure.flag(cmd, "remove them")
	return cmd
}
