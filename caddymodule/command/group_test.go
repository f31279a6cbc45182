package command

import (
	"strings"
	"testing"
)

// A word that is no command fails, at every level, and says so: a script that
// mistypes "erase" must not go on as if somebody had been erased.
func TestUnknownCommandsFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"foo", `there is no command "foo" in "caddy wechat"; there are console, demo, doctor, health, keys, ledger, pages, persons, sessions, simulate, status, webhooks`},
		{"persons foo", `there is no command "foo" in "caddy wechat persons"; there are ban, bans, count, erase, export, find, list, show, unban`},
		{"persons ereas abc --yes", `there is no command "ereas" in "caddy wechat persons"; did you mean erase?`},
		{"persons fnd --openid o", `there is no command "fnd" in "caddy wechat persons"; did you mean find?`},
		{"sessions foo", `there is no command "foo" in "caddy wechat sessions"; there are end, list`},
		{"ledger foo bar", `there is no command "foo" in "caddy wechat ledger"; there are backup, export, import, prune, verify`},
		{"webhooks foo", `there is no command "foo" in "caddy wechat webhooks"; there are dead, list, purge, redeliver, show, test`},
		{"keys foo", `there is no command "foo" in "caddy wechat keys"; there are rotate, show`},
		{"keys --foo", "unknown flag: --foo"},
		{"keys rotate foo", `unknown command "foo" for "caddy wechat keys rotate"`},
		{"demo foo", `unknown command "foo" for "caddy wechat demo"`},
		{"simulate foo", `unknown command "foo" for "caddy wechat simulate"`},
	} {
		t.Run(c.args, func(t *testing.T) {
			out, err := bare(t, strings.Fields(c.args)...)
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if strings.Contains(out, "Usage:") {
				t.Errorf("printed %q instead of the error alone", out)
			}
		})
	}
}

// A command alone shows its help, and is no mistake.
func TestCommandsAloneShowHelp(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "persons", "sessions", "ledger", "webhooks", "keys"} {
		t.Run("wechat "+args, func(t *testing.T) {
			out, err := bare(t, strings.Fields(args)...)
			if err != nil || !strings.Contains(out, "Available Commands:") {
				t.Errorf("printed %q, error %v", out, err)
			}
		})
	}
}
