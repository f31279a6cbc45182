package command

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

func listPersonsCommand(e *endpoint) *cobra.Command {
	var after string
	var limit int
	cmd := &cobra.Command{
		Use:   "list [--limit <n>] [--after <cursor>]",
		Short: "Lists persons, the one last seen first",
		Long: `Lists persons, the one last seen first, a page at a time. A person who is seen while you turn the pages moves to the
beginning, and may be missing in later pages. To have every person exactly once, export the ledger.` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			if after != "" {
				q.Set("after", after)
			}
			return ask(cmd, e, http.MethodGet, "/wechat/persons?"+q.Encode(), func(w io.Writer, page personPage) error {
				return page.show(w, cmd.ErrOrStderr(), e.json)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "how many persons, 500 at most")
	cmd.Flags().StringVar(&after, "after", "", "where the page before ended, as it said")
	return cmd
}

func countPersonsCommand(e *endpoint) *cobra.Command {
	return &cobra.Command{
		Use:   "count",
		Short: "Counts the persons",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd, e, http.MethodGet, "/wechat/persons/count", func(w io.Writer, answer personCount) error {
				_, err := fmt.Fprintln(w, count(answer.Persons, "person", "persons"))
				return err
			})
		},
	}
}

// personCount is the server's answer to a count.
type personCount struct {
	Persons int64 `json:"persons"`
}

// personPage is the server's answer to a list.
type personPage struct {
	Persons []summary `json:"persons"`
	Next    string    `json:"next"`
}

// show prints the page, and beside it for people how to go on. --json has that.
func (p personPage) show(w, people io.Writer, asJSON bool) error {
	if err := writeSummaries(w, p.Persons); err != nil || p.Next == "" || asJSON {
		return err
	}
	_, err := fmt.Fprintf(people, "There are more: --after %s\n", cell(p.Next))
	return err
}
