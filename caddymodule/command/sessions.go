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
		Short: "Lists and ends the sessions of a person, or ends those of everyone",
		Long: `Lists and ends the sessions of a person, or ends those of everyone. An ended session is refused within a second by every
gateway that reaches the store. The local store seals sessions into the visitors' cookies: it can end all sessions of a person,
but lists only those that the gateway has seen since it started, and can end only these one by one.` + endpointHelp,
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

	SeenHere bool `json:"seen_here"`
}

func writeSessions(w io.Writer, list []listedSession) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "The person has no session, or, with store local, none that the gateway has seen since it started.")
		return err
	}
	err := table(w, func(row func(...string)) {
		row("SESSION", "SITE", "SCOPE", "SIGNED IN", "RENEWED", "EXPIRES")
		for _, s := range list {
			row(s.ID, s.Site, s.Scope, moment(s.Created), moment(s.Renewed), moment(s.Expires))
		}
	})
	if err == nil && list[0].SeenHere {
		_, err = fmt.Fprintln(w, "The store is local: these are the sessions that the gateway has seen since it started. The person may have more.")
	}
	return err
}

func endSessionsCommand(e *endpoint) *cobra.Command {
	var session string
	var everyone bool
	var sure confirmation
	cmd := &cobra.Command{
		Use:   "end (<person> | [<person>] --session <id> | --everyone)",
		Short: "Ends all sessions of a person, or one session, or those of everyone",
		Long: `Ends all sessions of a person, or with --session one session. The session's record does not contain the person: give
the person's id as well, so that webhooks are told.

With --everyone all sessions end that were made up to now: all visitors sign in again, silently where WeChat allows it.
Webhooks are not told.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if everyone {
				return endEveryone(cmd, e, len(args) > 0 || session != "", &sure)
			}
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
	cmd.Flags().BoolVar(&everyone, "everyone", false, "the sessions of all persons")
	sure.flag(cmd, "end the sessions of everyone")
	return cmd
}

// endEveryone ends the sessions of everyone. more says that the command line
// names a person or a session, too.
func endEveryone(cmd *cobra.Command, e *endpoint, more bool, sure *confirmation) error {
	if more {
		return errors.New("give either --everyone or a person or session")
	}
	if err := sure.ask(cmd, "this signs out all visitors of all sites"); err != nil {
		return err
	}
	return ask(cmd, e, http.MethodDelete, "/wechat/sessions?everyone=true", says[struct{}]("All sessions of everyone are ended."))
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
