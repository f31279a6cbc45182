package command

import (
	"io"
	"strings"
	"testing"
)

// A mistake in an account is said before anything listens, without the secret.
func TestSimulateRefusesAccounts(t *testing.T) {
	const secret = "5ecret-that-nobody-reads"
	for _, c := range []struct{ name, account, want string }{
		{"no name", secret, "secret=…"},
		{"an unknown kind", "kind=shop,secret=" + secret, "mini_program"},
		{"twice", "secret=x,secret=" + secret, "twice"},
		{"no app id", "app_id=,secret=" + secret, "app id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := simulateCommand()
			cmd.SetArgs([]string{"--listen", "127.0.0.1:0", "--account", c.account})
			cmd.SetOut(io.Discard)
			cmd.SetErr(io.Discard)
			err := cmd.Execute()
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("%v", err)
			}
		})
	}
}
