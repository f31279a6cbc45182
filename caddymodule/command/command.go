package command

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-wechat/gateway/internal/doctor"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// Looks returns how the pages of each site of a configuration look. The
// configuration is JSON.
type Looks func(config []byte) ([]page.Look, error)

// Examine reads a configuration, in JSON, for the doctor. The caller calls
// release when it has finished with the setup.
type Examine func(config []byte) (setup *doctor.Setup, release func(), err error)

// Register adds the command `wechat` to Caddy's. example is Caddyfile.example,
// which `wechat demo` runs; `wechat pages preview` asks looks, `wechat doctor`
// asks examine. It must be called once, from an init function.
func Register(example []byte, looks Looks, examine Examine) {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:      "wechat",
		Short:     "Manages the WeChat gateway, and runs a demo",
		CobraFunc: func(cmd *cobra.Command) { group(cmd, subcommands(example, looks, examine)...) },
	})
}

func subcommands(example []byte, looks Looks, examine Examine) []*cobra.Command {
	return []*cobra.Command{
		readable(doctorCommand(examine)),
		consoleCommand(examine),
		readable(healthCommand()),
		readable(exits(statusCommand())),
		readable(exits(personsCommand())),
		readable(exits(sessionsCommand())),
		readable(exits(ledgerCommand())),
		readable(exits(webhooksCommand())),
		readable(exits(keysCommand())),
		pagesCommand(looks),
		demoCommand(example),
		simulateCommand(),
	}
}

func demoCommand(example []byte) *cobra.Command {
	d := demo{example: example}
	cmd := &cobra.Command{
		Use:   "demo [--check]",
		Short: "Runs gateway, sample shop and a simulated WeChat in one process",
		Long: `Runs everything that the main job needs in one process, on loopback only: a simulated WeChat, a small sample
shop as the app behind the gateway, and the gateway with Caddyfile.example. Any browser can play the phone.

With --check it walks through a whole sign-in without a browser, prints each hop and the headers that the shop
received, and exits 0 only if the identity arrived. It takes free ports, so that it may run beside anything, unless
--listen or --wechat says otherwise.`,
		Args: cobra.NoArgs,
		RunE: caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if err := d.run(ctx, os.Stdout); err != nil {
				return caddy.ExitCodeFailedStartup, fmt.Errorf("demo: %w", err)
			}
			return caddy.ExitCodeSuccess, nil
		}),
	}
	cmd.Flags().BoolVar(&d.check, "check", false, "walk through a sign-in, print what happens, and exit")
	cmd.Flags().StringVar(&d.listen, "listen", "", "where the shop's visitors go; a loopback address (default "+demoListen+", with --check a free port)")
	cmd.Flags().StringVar(&d.wechat, "wechat", "", "where the simulated WeChat listens; a loopback address (default "+demoWeChat+", with --check a free port)")
	cmd.Flags().BoolVar(&d.verbose, "verbose", false, "show the gateway's own log on stderr")
	return cmd
}

func simulateCommand() *cobra.Command {
	var o wechattest.Options
	var accounts []string
	cmd := &cobra.Command{
		Use:   "simulate [--listen 127.0.0.1:9801]",
		Short: "Runs a simulated WeChat for development and tests",
		Long: `Runs a simulated WeChat: open.weixin.qq.com and api.weixin.qq.com on one address. Point open_url and api_url of the
gateway (or the SDK of your choice) at it. Its front page lists its persons, chooses which person holds "this phone",
and turns on the quirks of the real WeChat. It is a developer's tool: it listens on loopback, and any client that
reaches it can sign in as any person.

It has one account of each kind, all with one secret and all callback domains. With --account they have their own, so
that a mix-up is seen as with the real WeChat (40125, 10003). Each --account changes the account of one kind, or adds
one with another app_id:

  wechat simulate --account secret=s3cret,domain=shop.example.com --account kind=mini_program,secret=other`,
		Args: cobra.NoArgs,
		RunE: caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			var err error
			if o.Accounts, err = wechattest.ParseAccounts(accounts); err != nil {
				return caddy.ExitCodeFailedStartup, fmt.Errorf("simulate: --account: %w", err)
			}
			o.Log = os.Stdout
			if err := wechattest.Serve(ctx, o); err != nil {
				return caddy.ExitCodeFailedStartup, fmt.Errorf("simulate: %w", err)
			}
			return caddy.ExitCodeSuccess, nil
		}),
	}
	cmd.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:9801", "a loopback address to listen on")
	cmd.Flags().StringArrayVar(&accounts, "account", nil, "an account of its own, `kind=…,secret=…,domain=…`; kind is official_account (if not said), mini_program, mobile_app or website")
	cmd.Flags().StringArrayVar(&o.Mistakes, "mistake", nil, "a `name` of a mistake to make, to try wechat doctor or your alerts: "+mistakeNames())
	cmd.Flags().BoolVar(&o.AnyUserAgent, "any-browser", false, "serve browsers that are not WeChat's, too")
	return cmd
}

// mistakeNames lists what the simulator can get wrong.
func mistakeNames() string {
	all := wechattest.Mistakes()
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	return strings.Join(names, ", ")
}
