package command

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func personsCommand() *cobra.Command {
	e := new(endpoint)
	cmd := &cobra.Command{
		Use:   "persons",
		Short: "Lists, counts, finds, shows, exports, erases and bans persons of the ledger",
		Long: `Lists, counts, finds, shows, exports, erases and bans persons of the ledger.

A person's id is what the app gets as X-Wechat-User. The id of a record that was merged finds the same person.` + endpointHelp,
	}
	e.flags(cmd)
	return group(cmd, listPersonsCommand(e), countPersonsCommand(e), findCommand(e), showCommand(e), exportCommand(e), eraseCommand(e),
		banCommand(e), unbanCommand(e), bansCommand(e))
}

func findCommand(e *endpoint) *cobra.Command {
	var openID, appID, unionID, nickname string
	cmd := &cobra.Command{
		Use:   "find (--openid <openid> [--app-id <app id>] | --unionid <unionid> | --nickname <beginning>)",
		Short: "Finds a person by openid or unionid, or persons by nickname",
		Long: `Finds a person by an openid or by the unionid. An openid belongs to one account: if the gateway has several, give its
app id too.

With --nickname it finds up to 50 persons whose nickname begins so. Upper and lower case, and full-width and other
letters, digits, signs and blanks, are equal.` + endpointHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return errFindWhat
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := whom(openID, appID, unionID, nickname)
			if err != nil {
				return err
			}
			return find(cmd, e, q)
		},
	}
	cmd.Flags().StringVar(&openID, "openid", "", "the person's openid")
	cmd.Flags().StringVar(&appID, "app-id", "", "the app id that the openid belongs to (default: that of the only account)")
	cmd.Flags().StringVar(&unionID, "unionid", "", "the person's unionid")
	cmd.Flags().StringVar(&nickname, "nickname", "", "how the nickname begins")
	return cmd
}

// errFindWhat reports a search that does not say by what.
var errFindWhat = errors.New("give --openid, --unionid or --nickname, one of them")

// whom returns the query for a person. Empty arguments were not given.
func whom(openID, appID, unionID, nickname string) (url.Values, error) {
	switch {
	case nickname != "" && openID == "" && appID == "" && unionID == "":
		return url.Values{"nickname": {nickname}}, nil
	case nickname != "":
		return nil, errors.New("give --nickname alone, or --openid or --unionid")
	case openID == "" && appID != "":
		return nil, errors.New("--app-id belongs to --openid: give both, or --unionid alone")
	case (openID == "") == (unionID == ""):
		return nil, errFindWhat
	case unionID != "":
		return url.Values{"unionid": {unionID}}, nil
	case appID == "":
		return url.Values{"openid": {openID}}, nil
	default:
		return url.Values{"openid": {openID}, "app_id": {appID}}, nil
	}
}

func find(cmd *cobra.Command, e *endpoint, q url.Values) error {
	return ask(cmd, e, http.MethodGet, "/wechat/persons?"+q.Encode(), func(w io.Writer, found []summary) error {
		if len(found) == 0 {
			return errNoPerson
		}
		return writeSummaries(w, found)
	})
}

// summary is the server's answer about a person in a list.
type summary struct {
	ID        string    `json:"id"`
	AppIDs    []string  `json:"app_ids"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Banned    bool      `json:"banned"`
}

func writeSummaries(w io.Writer, list []summary) error {
	return table(w, func(row func(...string)) {
		row("PERSON", "APPS", "FIRST SEEN", "LAST SEEN", "BANNED")
		for _, p := range list {
			banned := "no"
			if p.Banned {
				banned = "yes"
			}
			row(p.ID, strings.Join(p.AppIDs, " "), moment(p.FirstSeen), moment(p.LastSeen), banned)
		}
	})
}

func showCommand(e *endpoint) *cobra.Command {
	return &cobra.Command{
		Use:   "show <id>",
		Short: "Shows a person as a table",
		Args:  id,
		RunE: func(cmd *cobra.Command, args []string) error {
			return ask(cmd, e, http.MethodGet, personPath(args[0]), func(w io.Writer, p person) error { return p.show(w) })
		},
	}
}

func exportCommand(e *endpoint) *cobra.Command {
	return &cobra.Command{
		Use:   "export <id>",
		Short: "Writes everything that is kept about a person, as JSON",
		Long: `Writes everything that is kept about a person to standard output, as JSON, for a person who asks what you
know about them.` + endpointHelp,
		Args: id,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			answer, err := c.read(cmd.Context(), http.MethodGet, personPath(args[0]))
			if err != nil {
				return err
			}
			if !json.Valid(answer) {
				return errors.New("the server's answer is not whole")
			}
			_, err = cmd.OutOrStdout().Write(answer)
			return err
		},
	}
}

func eraseCommand(e *endpoint) *cobra.Command {
	var sure confirmation
	cmd := &cobra.Command{
		Use:   "erase <id> [--yes]",
		Short: "Ends a person's sessions and removes everything about them",
		Long: `Ends all sessions of a person and removes everything that the ledger has about them: this cannot be undone. At the
next visit the person is new and gets a new id. Data that your app keeps under X-Wechat-User must be erased in your app.` + endpointHelp,
		Args: id,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := sure.ask(cmd, "this removes everything about the person for ever"); err != nil {
				return err
			}
			return ask(cmd, e, http.MethodDelete, personPath(args[0]), says[struct{}]("The person is erased."))
		},
	}
	sure.flag(cmd, "yes, for ever")
	return cmd
}

func personPath(id string) string { return "/wechat/persons/" + url.PathEscape(id) }
