package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-wechat/gateway/internal/doctor"
)

// physician runs the doctor.
type physician struct {
	examine  Examine
	endpoint endpoint
	json     bool
	language string
}

func doctorCommand(examine Examine) *cobra.Command {
	p := physician{examine: examine}
	cmd := &cobra.Command{
		Use:   "doctor (--config <file> [--adapter <name>] | --address <admin>) [--json] [--language zh|en]",
		Short: "Examines configuration, running server and WeChat, and says what to do",
		Long: `Examines the configuration, WeChat, the sites, Redis and the machine, and says in one sentence for each check what it
found and what to do. With --address it asks the running server, too; both flags together also compare the two. It only
reads, and prints no secret. See docs/doctor.md.

Run it as the server's user, with the server's environment, on the server's machine: the address of this machine must be
on WeChat's allow-list, and {env.…} needs its variables.

It exits with 0 if every check passes, with 1 if a check fails or the doctor cannot run, and with 2 if the worst is a
warning or unknown.`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			worst, err := p.run(ctx, cmd.OutOrStdout())
			if err != nil {
				return doctor.Failure.ExitCode(), fmt.Errorf("doctor: %w", err)
			}
			if worst == doctor.Failure {
				return worst.ExitCode(), p.failed()
			}
			return worst.ExitCode(), nil
		})(cmd, nil)
	}
	p.endpoint.addressFlags(cmd)
	cmd.Flags().BoolVar(&p.json, "json", false, "print JSON")
	cmd.Flags().StringVar(&p.language, "language", "", "zh or en (default: that of LC_ALL, LC_MESSAGES or LANG)")
	return cmd
}

var (
	errNoSubject = errors.New("give a configuration with --config, or the admin endpoint of a running server with --address, or both")
	errLanguage  = errors.New("--language is zh or en")
)

// run examines and prints. It returns the worst outcome.
func (p *physician) run(ctx context.Context, out io.Writer) (doctor.Status, error) {
	language, err := p.speaks()
	if err != nil {
		return doctor.Failure, err
	}
	if p.endpoint.config == "" && p.endpoint.address == "" {
		return doctor.Failure, errNoSubject
	}
	setup, release, err := p.setup(ctx)
	if err != nil {
		return doctor.Failure, err
	}
	defer release()
	report := setup.Examine(ctx)
	if ctx.Err() != nil {
		return doctor.Failure, errors.New("interrupted")
	}
	write := report.WriteText
	if p.json {
		write = report.WriteJSON
	}
	return report.Worst(), write(out, language)
}

// speaks returns the language of the report.
func (p *physician) speaks() (string, error) {
	switch p.language {
	case "zh", "en":
		return p.language, nil
	case "":
	default:
		return "", errLanguage
	}
	if strings.HasPrefix(strings.ToLower(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))), "zh") {
		return "zh", nil
	}
	return "en", nil
}

// failed is the error of a report with failures. Caddy turns status 1 without
// an error into success.
func (p *physician) failed() error {
	if language, err := p.speaks(); err == nil && language == "zh" {
		return errors.New("至少有一项检查失败")
	}
	return errors.New("at least one check has failed")
}

// setup reads the configuration from the file, or from the running server.
func (p *physician) setup(ctx context.Context) (*doctor.Setup, func(), error) {
	var admin *client
	if p.endpoint.address != "" {
		var err error
		if admin, err = (&endpoint{address: p.endpoint.address}).client(); err != nil {
			return nil, nil, err
		}
	}
	if p.endpoint.config == "" {
		config, err := admin.runningConfig(ctx, admin.read)
		if err != nil {
			return nil, nil, err
		}
		return p.withAdmin(config, nil, admin)
	}
	config, err := readConfig(p.endpoint.config, p.endpoint.adapter)
	if err != nil {
		// The file cannot be read, or not adapted: that is a finding, too.
		setup, release, examineErr := p.examine([]byte("{}")) // which says what program this is
		if examineErr != nil {
			return nil, nil, examineErr
		}
		setup.Problem = err
		return setup, release, nil
	}
	apps, err := appsOf(config)
	if err != nil {
		return nil, nil, err
	}
	return p.withAdmin(config, apps, admin)
}

// withAdmin makes the setup of a configuration. apps is nil if it is the
// running one.
func (p *physician) withAdmin(config, apps []byte, admin *client) (*doctor.Setup, func(), error) {
	setup, release, err := p.examine(config)
	if err != nil {
		return nil, nil, err
	}
	setup.Apps = apps
	if admin != nil {
		setup.Admin = adminOf{admin}
	}
	return setup, release, nil
}
