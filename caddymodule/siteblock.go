package caddymodule

import (
	"reflect"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// block is the site that a directive stands in. Caddy keeps it to itself, and
// there is no other way to see that a site holds a directive twice or listens on
// a path only. Should Caddy's field move, the block is empty and these checks do
// nothing.
type block struct{ value reflect.Value }

func siteBlock(h httpcaddyfile.Helper) block {
	return block{reflect.ValueOf(h).FieldByName("parentBlock")}
}

// tokens returns the texts of a list of tokens.
func tokens(list reflect.Value) []string {
	if !list.IsValid() || list.Kind() != reflect.Slice {
		return nil
	}
	var texts []string
	for i := range list.Len() {
		if text := list.Index(i).FieldByName("Text"); text.IsValid() {
			texts = append(texts, text.String())
		}
	}
	return texts
}

// count says how often a directive stands at the site's top level.
func (b block) count(directive string) int {
	if !b.value.IsValid() {
		return 0
	}
	segments := b.value.FieldByName("Segments")
	if !segments.IsValid() || segments.Kind() != reflect.Slice {
		return 0
	}
	count := 0
	for i := range segments.Len() {
		if texts := tokens(segments.Index(i)); len(texts) > 0 && texts[0] == directive {
			count++
		}
	}
	return count
}

// addresses are those of the site, as the Caddyfile has them.
func (b block) addresses() []string {
	if !b.value.IsValid() {
		return nil
	}
	return tokens(b.value.FieldByName("Keys"))
}

// hides returns an address of the site that leaves paths out, if there is one.
func (b block) hides() (address string, hidden bool) {
	for _, key := range b.addresses() {
		parsed, err := httpcaddyfile.ParseAddress(key)
		if err == nil && parsed.Path != "" && parsed.Path != "/" && parsed.Path != "/*" {
			return key, true
		}
	}
	return "", false
}
