package command

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completed matches the names that are completed: those of a configuration.
// Attack: a program at the admin endpoint has the shell complete a command of
// its own, such as $(…), or a flag.
var completed = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// completeWait is how long a shell waits for the names of webhooks.
const completeWait = 2 * time.Second

// completeWebhook completes the name of a webhook, as the first argument. It
// asks the server. Without an answer there is nothing to choose from.
func (e *endpoint) completeWebhook(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completeWait)
	defer cancel()
	c, err := e.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []listedWebhook
	if err := c.into(ctx, http.MethodGet, webhooksPath, &list); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, h := range list {
		if strings.HasPrefix(h.Name, begun) && completed.MatchString(h.Name) {
			names = append(names, h.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
