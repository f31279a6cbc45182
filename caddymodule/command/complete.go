package command

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

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
		if strings.HasPrefix(h.Name, begun) && h.Name == cell(h.Name) {
			names = append(names, h.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
