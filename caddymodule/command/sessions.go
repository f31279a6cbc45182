package command

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

func sessionsCommand() *cobra.Command {
	e := new(endpoint)
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "Lists and ends the sessions of a person",
		Long: `Lists and ends the sessions of a person. An ended session is refused within a second by every gateway that reaches the
store. The local store, which seals sessions into the visitors' cookies, can end all sessions of a person, but cannot list them.` + endpointHelp,
	}
	e.flags(cmd)
	return group(cmd, listSessionsCommand(e), endSessionsCommand(e))
}

func listSessionsCommand(e *endpoint) *cobra.Command {
	return &cobra.Command{
		Use:   "list <person>",
		Short: "Lists a person's sessions, the newest first",
		Args:  id,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			var list []struct {
				ID      string    `json:"id"`
				Site    string    `json:"site"`
				Scope   string    `json:"scope"`
				Created time.Time `json:"created"`
				Renewed time.Time `json:"renewed"`
				Expires time.Time `json:"expires"`
			}
			if err := c.into(cmd.Context(), http.MethodGet, sessionsOf(args[0]), &list); err != nil {
				return err
			}
			if len(list) == 0 {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "The person has no session.")
				return err
			}
			return table(cmd.OutOrStdout(), func(row func(...string)) {
				row("SESSION", "SITE", "SCOPE", "SIGNED IN", "RENEWED", "EXPIRES")
				for _, s := range list {
					row(s.ID, s.Site, s.Scope, moment(s.Created), moment(s.Renewed), moment(s.Expires))
				}
			})
		},
	}
}

func endSessionsCommand(e *endpoint) *cobra.Command {
	var session string
	cmd := &cobra.Command{
		Use:   "end (<person> | [<person>] --session <id>)",
		Short: "Ends all sessions of a person, or one session",
		Long: `Ends all sessions of a person, or with --session one session. The session's record does not contain the person: give
the person's id as well, so that webhooks are told.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 0 && session == "" || len(args) == 1 && args[0] == "" {
				return errors.New("give a person's id, or --session with a session's id, or both")
			}
			c, err := e.client()
			if err != nil {
				return err
			}
			if session != "" {
				return endOne(cmd, c, session, args)
			}
			return endAll(cmd, c, args[0])
		},
	}
	cmd.Flags().StringVar(&session, "session", "", "the id of one session, as the list shows it")
	return cmd
}

func endOne(cmd *cobra.Command, c *client, session string, person []string) error {
	path := "/wechat/sessions/" + url.PathEscape(session)
	if len(person) == 1 {
		path += "?" + url.Values{"person": person}.Encode()
	}
	if _, err := c.read(cmd.Context(), http.MethodDelete, path); err != nil {
		return err
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), "The session is ended.")
	return err
}

func endAll(cmd *cobra.Command, c *client, person string) error {
	var answer struct {
		Ended *int `json:"ended"`
	}
	if err := c.into(cmd.Context(), http.MethodDelete, sessionsOf(person), &answer); err != nil {
		return err
	}
	if answer.Ended == nil {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "All sessions of the person are ended.")
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "All sessions of the person are ended: %d.\n", *answer.Ended)
	return err
}

func sessionsOf(person string) string {
	return "/wechat/sessions?" + url.Values{"person": {person}}.Encode()
}
