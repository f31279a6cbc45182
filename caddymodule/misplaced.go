package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// placeOf says, for an error, in which block an option belongs that another
// block does not know; "" if it is an option of none.
func placeOf(option string) string {
	for _, block := range []struct {
		options words
		place   string
	}{
		{new(App).words(), "the wechat block, in the global options"},
		{new(Handler).words(httpcaddyfile.Helper{}), directive + ", in a site"},
		{new(Account).words(accountKinds[0]), "an account, such as official_account, in the wechat block"},
	} {
		if _, ok := block.options[option]; ok {
			return block.place
		}
	}
	return ""
}
