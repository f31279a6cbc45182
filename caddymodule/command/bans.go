package command

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

func banCommand(e *endpoint) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "ban <id> [--reason <text>]",
		Short: "Keeps a person out of all sites, and ends their sessions",
		Long: `Keeps a person out of all sites: within a second no gateway that reaches the store lets the person in, and all
sessions have ended. The ban holds until it is lifted, also after the person is erased.` + endpointHelp,
		Args: id,
		RunE: func(cmd *cobra.Command, args []string) error {
			address := banPath(args[0])
			if reason != "" {
				address += "?" + url.Values{"reason": {reason}}.Encode()
			}
			return ask(cmd, e, http.MethodPost, address, says[struct{}]("The person is banned."))
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit log: one line")
	return cmd
}

func unbanCommand(e *endpoint) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "unban (<id> | --id <openid or unionid>)",
		Short: "Lifts the ban of a person",
		Long: `Lifts the ban of a person. A person who was erased has no id any more: give --id with an openid or a unionid that the
person had, or with the id of before.` + endpointHelp,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			given := len(args) == 1 && args[0] != ""
			switch {
			case given == (name != ""):
				return errors.New("give a person's id, or --id with an openid or a unionid, one of them")
			case given:
				return ask(cmd, e, http.MethodDelete, banPath(args[0]), says[struct{}]("The ban is lifted."))
			}
			return ask(cmd, e, http.MethodDelete, "/wechat/bans?"+url.Values{"id": {name}}.Encode(), says[struct{}]("The ban is lifted."))
		},
	}
	cmd.Flags().StringVar(&name, "id", "", "an openid, a unionid, or the id of an erased person")
	return cmd
}

func bansCommand(e *endpoint) *cobra.Command {
	return &cobra.Command{
		Use:   "bans",
		Short: "Lists the bans, the oldest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd, e, http.MethodGet, "/wechat/bans", func(w io.Writer, list banList) error { return list.show(w) })
		},
	}
}

// banList is the server's answer about bans.
type banList struct {
	Bans []struct {
		Person string    `json:"person"`
		At     time.Time `json:"at"`
	} `json:"bans"`
	Erased int64 `json:"erased"`
}

func (l *banList) show(w io.Writer) (err error) {
	if len(l.Bans) > 0 {
		err = table(w, func(row func(...string)) {
			row("PERSON", "BANNED")
			for _, b := range l.Bans {
				row(b.Person, moment(b.At))
			}
		})
	} else {
		_, err = fmt.Fprintln(w, "No known person is banned.")
	}
	if err == nil && l.Erased > 0 {
		_, err = fmt.Fprintf(w, "%s banned, of whom nothing else is known.\n", count(l.Erased, "erased person is", "erased persons are"))
	}
	return err
}

func banPath(id string) string { return personPath(id) + "/ban" }
