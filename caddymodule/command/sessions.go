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
			return ask(cmd, e, http.MethodGet, sessionsOf(args[0]), writeSessions)
		},
	}
}

// listedSession is a session in the server's list.
type listedSession struct {
	ID      string    `json:"id"`
	Site    string    `json:"site"`
	Scope   string    `json:"scope"`
	Created time.Time `json:"created"`
	Renewed time.Time `json:"renewed"`
	Expires time.Time `json:"expires"`
}

func writeSessions(w io.Writer, list []listedSession) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "The person has no session.")
		return err
	}
	return table(w, func(row func(...string)) {
		row("SESSION", "SITE", "SCOPE", "SIGNED IN", "RENEWED", "EXPIRES")
		for _, s := range list {
			row(s.ID, s.Site, s.Scope, moment(s.Created), moment(s.Renewed), moment(s.Expires))
		}
	})
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
			if session != "" {
				return endOne(cmd, e, session, args)
			}
			return endAll(cmd, e, args[0])
		},
	}
	cmd.Flags().StringVar(&session, "session", "", "the id of one session, as the list shows it")
	return cmd
}

func endOne(cmd *cobra.Command, e *endpoint, session string, person []string) error {
	path := "/wechat/sessions/" + url.PathEscape(session)
	if len(person) == 1 {
		path += "?" + url.Values{"person": person}.Encode()
	}
	return ask(cmd, e, http.MethodDelete, path, says[struct{}]("The session is ended."))
}

// endedSessions is the number of ended sessions; nil if the store cannot count
// them.
type endedSessions struct {
	Ended *int `json:"ended"`
}

func endAll(cmd *cobra.Command, e *endpoint, person string) error {
	return ask(cmd, e, http.MethodDelete, sessionsOf(person), func(w io.Writer, answer endedSessions) error {
		sentence := "All sessions of the person are ended"
		if answer.Ended != nil {
			sentence += fmt.Sprintf(": %d", *answer.Ended)
		}
		_, err := fmt.Fprintln(w, sentence+".")
		return err
	})
}

func sessionsOf(person string) string {
	return "/wechat/sessions?" + url.Values{"person": {person}}.Encode()
}
