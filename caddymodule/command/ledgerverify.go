package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// maxProblems is how many problems are printed. The others are counted.
const maxProblems = 1000

func verifyLedgerCommand(e *endpoint) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Checks the whole ledger, and changes nothing",
		Long: `Checks that every record of the ledger can be read, that every openid, unionid and id leads to the person who has it,
and that indexes and counts agree with the records. It changes nothing, and visitors are served meanwhile. It exits with
an error if it finds a problem.` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: e.long(func(ctx context.Context, c *client, cmd *cobra.Command, _ []string) error {
			v := &verify{client: c, progress: newProgress(cmd.ErrOrStderr(), 0)}
			v.progress.one, v.progress.many = "entry", "entries"
			err := v.run(ctx)
			v.progress.end()
			if err != nil {
				return fmt.Errorf("%w\nit got through %s and found %s", err, count(v.Checked, "entry", "entries"), count(v.Found, "problem", "problems"))
			}
			return v.report(cmd.OutOrStdout(), e.json)
		}),
	}
}

// verify is a check of the whole ledger, in parts. It is also the output of
// --json.
type verify struct {
	Checked  int64           `json:"checked"`
	Found    int64           `json:"found"`
	Problems []ledgerProblem `json:"problems"` // the first maxProblems

	client   *client
	progress *progress
}

// ledgerProblem is the server's answer about a contradiction in the ledger.
type ledgerProblem struct {
	Problem string `json:"problem"`
	In      string `json:"in"`
	Person  string `json:"person,omitempty"`
	Detail  string `json:"detail,omitempty"`
}

func (v *verify) run(ctx context.Context) error {
	v.Problems = []ledgerProblem{}
	for after := ""; ; {
		path := "/wechat/ledger/verify"
		if after != "" {
			path += "?" + url.Values{"after": {after}}.Encode()
		}
		var part struct {
			Checked  int64           `json:"checked"`
			Problems []ledgerProblem `json:"problems"`
			Next     string          `json:"next"`
		}
		if err := v.client.into(ctx, http.MethodGet, path, &part); err != nil {
			return err
		}
		v.Checked += part.Checked
		v.Found += int64(len(part.Problems))
		v.Problems = append(v.Problems, part.Problems[:min(len(part.Problems), maxProblems-len(v.Problems))]...)
		v.progress.at(0, v.Checked)
		if after = part.Next; after == "" {
			return nil
		}
	}
}

// report prints what was found. Its error is that there are problems.
func (v *verify) report(w io.Writer, asJSON bool) error {
	var err error
	switch {
	case asJSON:
		err = json.NewEncoder(w).Encode(v)
	case v.Found == 0:
		_, err = fmt.Fprintf(w, "%s checked: no problems.\n", count(v.Checked, "entry", "entries"))
	default:
		err = table(w, func(row func(...string)) {
			row("PROBLEM", "IN", "PERSON", "DETAIL")
			for _, p := range v.Problems {
				row(p.Problem, p.In, orNone(p.Person), p.Detail)
			}
		})
	}
	if err != nil || v.Found == 0 {
		return err
	}
	more := ""
	if v.Found > maxProblems {
		more = fmt.Sprintf(", of which %d are shown", maxProblems)
	}
	return fmt.Errorf("%s checked: %s%s; docs/admin.md says what to do", count(v.Checked, "entry", "entries"), count(v.Found, "problem", "problems"), more)
}
