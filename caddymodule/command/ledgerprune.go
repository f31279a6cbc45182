package command

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

// pruneWait is how long the command waits for webhooks that must deliver their
// events first.
const pruneWait = 5 * time.Second

func pruneLedgerCommand(e *endpoint) *cobra.Command {
	var inactive string
	var confirm confirmation
	cmd := &cobra.Command{
		Use:   "prune --inactive <time> [--yes]",
		Short: "Erases persons who have not been seen for a long time",
		Long: `Erases all persons who have not been seen for so long, such as 24mo, 2y or 400d, exactly as persons erase does: for ever.
It first shows how many they are, and asks. A person who comes back meanwhile is spared. It can be stopped at any
time, and repeated.

Seen means signed in. A visitor who stays signed in is seen at the next sign-in: the time must be longer than the
lifetime of a session.` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: e.long(func(ctx context.Context, c *client, cmd *cobra.Command, _ []string) error {
			before, err := ago(inactive, time.Now())
			if err != nil {
				return err
			}
			path := "/wechat/ledger/inactive?" + url.Values{"before": {before.UTC().Format(time.RFC3339)}}.Encode()
			p := &prune{client: c, cmd: cmd, json: e.json, wait: pruneWait, path: path}
			if err := p.show(ctx, before, confirm.yes); err != nil || p.total == 0 {
				return err
			}
			if err := confirm.ask(cmd, "this removes everything about "+count(p.total, "person", "persons")+" for ever"); err != nil {
				return err
			}
			return p.run(ctx)
		}),
	}
	cmd.Flags().StringVar(&inactive, "inactive", "", "since when they have not been seen: a number and d, mo or y, such as 24mo")
	confirm.flag(cmd, "yes, for ever")
	return cmd
}

// prune erases persons in parts.
type prune struct {
	client *client
	cmd    *cobra.Command
	json   bool
	wait   time.Duration
	path   string

	total, erased int64
}

// show prints how many persons there are. Together with --yes, --json has only
// the result.
func (p *prune) show(ctx context.Context, before time.Time, yes bool) error {
	var shown struct {
		Persons int64     `json:"persons"`
		Oldest  time.Time `json:"oldest,omitzero"`
	}
	if err := p.client.into(ctx, http.MethodGet, p.path, &shown); err != nil {
		return err
	}
	p.total = shown.Persons
	out := p.cmd.OutOrStdout()
	switch {
	case p.json && !yes:
		return json.NewEncoder(out).Encode(shown)
	case p.json && shown.Persons == 0:
		return p.result()
	case p.json:
		return nil
	case shown.Persons == 0:
		_, err := fmt.Fprintf(out, "All persons have been seen since %s.\n", moment(before))
		return err
	}
	_, err := fmt.Fprintf(out, "Not seen since %s: %s, the first of them since %s.\n",
		moment(before), count(shown.Persons, "person", "persons"), moment(shown.Oldest))
	return err
}

// run erases until no person is left.
func (p *prune) run(ctx context.Context) error {
	bar := newProgress(p.cmd.ErrOrStderr(), p.total)
	bar.one, bar.many = "person", "persons"
	err := p.parts(ctx, bar)
	bar.end()
	if err != nil {
		return fmt.Errorf("%w\nat least %d of %s erased; repeat the command to go on", err, p.erased, count(p.total, "person is", "persons are"))
	}
	return p.result()
}

func (p *prune) parts(ctx context.Context, bar *progress) error {
	for {
		var part struct {
			Erased   int64  `json:"erased"`
			More     bool   `json:"more"`
			WaitsFor string `json:"waits_for"`
		}
		if err := p.client.into(ctx, http.MethodDelete, p.path, &part); err != nil {
			return err
		}
		p.erased += part.Erased
		bar.at(p.erased, p.erased)
		if !part.More {
			return nil
		}
		if part.WaitsFor == "" {
			continue
		}
		bar.note("waiting until the webhook " + cell(part.WaitsFor) + " has delivered its events")
		select {
		case <-time.After(p.wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// result prints how many persons were erased.
func (p *prune) result() error {
	out := p.cmd.OutOrStdout()
	if p.json {
		return json.NewEncoder(out).Encode(struct {
			Erased int64 `json:"erased"`
		}{p.erased})
	}
	_, err := fmt.Fprintf(out, "Erased: %s.\n", count(p.erased, "person", "persons"))
	return err
}
