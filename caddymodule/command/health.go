package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// examiner asks a running gateway how it is.
type examiner struct {
	endpoint endpoint
	ready    bool
	url      string
	host     string
	timeout  time.Duration
}

func healthCommand() *cobra.Command {
	e := new(examiner)
	cmd := &cobra.Command{
		Use:   "health [--ready] [--url <address> [--host <name>]]",
		Short: "Asks the running gateway whether it works, for containers and scripts",
		Long: `Asks the running gateway whether it answers, or with --ready whether store, keys and ledger work, too. It exits with 0
for yes, and otherwise with 1 and the reason.

Use it without --ready where a "no" restarts the gateway, such as the health check of an image: a restart does not mend a
Redis that is down, and a restarted gateway knows no visitor. See docs/health.md.

With --url it asks an address of a site instead, /_wechat/health or /_wechat/ready, as a load balancer does. --host is the
site's name, if the address does not have it:

  wechat health --url http://127.0.0.1:8080/_wechat/ready --host shop.example.com` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sentence, err := e.run(cmd.Context())
			if err != nil {
				return fmt.Errorf("health: %w", err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), sentence)
			return err
		},
	}
	e.endpoint.flags(cmd)
	cmd.Flags().BoolVar(&e.ready, "ready", false, "also require that store, keys and ledger work")
	cmd.Flags().StringVar(&e.url, "url", "", "`address` of a site's /_wechat/health or /_wechat/ready, instead of the admin endpoint")
	cmd.Flags().StringVar(&e.host, "host", "", "`name` of the site, with --url")
	cmd.Flags().DurationVar(&e.timeout, "timeout", 5*time.Second, "how long to wait for the answer")
	return cmd
}

var (
	errTwoAddresses = errors.New("--url asks a site, --address and --config ask the admin endpoint: give one of them")
	errReadyOfURL   = errors.New("with --url, the address says what is asked: end it with /_wechat/ready instead of --ready")
	errHostAlone    = errors.New("--host goes with --url")
	errTimeout      = errors.New("--timeout must be longer than nothing")
)

// run returns a sentence for "yes", and an error for "no".
func (e *examiner) run(ctx context.Context) (string, error) {
	switch {
	case e.timeout <= 0:
		return "", errTimeout
	case e.url == "" && e.host != "":
		return "", errHostAlone
	case e.url != "" && (e.endpoint.address != "" || e.endpoint.config != ""):
		return "", errTwoAddresses
	case e.url != "" && e.ready:
		return "", errReadyOfURL
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.timeout, fmt.Errorf("no answer within %s", e.timeout))
	defer cancel()
	ask := e.askAdmin
	if e.url != "" {
		ask = e.askSite
	}
	sentence, err := ask(ctx)
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return sentence, err
}

// askAdmin asks the admin endpoint. A gateway that is not ready is alive.
func (e *examiner) askAdmin(ctx context.Context) (string, error) {
	c, err := e.endpoint.client()
	if err != nil {
		return "", err
	}
	defer c.http.CloseIdleConnections()
	response, err := c.do(ctx, http.MethodGet, "/wechat/ready", nil)
	if err != nil {
		return "", err
	}
	a, err := readHealth(response)
	switch {
	case err != nil:
		return "", err
	case response.StatusCode == http.StatusOK:
		return "ready: " + a.parts(), nil
	case a.Parts == nil:
		return "", a.refused(response)
	case e.ready:
		return "", errors.New("not ready: " + a.parts())
	}
	return "alive, but not ready: " + a.parts(), nil
}
