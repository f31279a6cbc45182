package caddymodule

import (
	"reflect"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// block is the site block of a directive. Caddy has no public API for it, and
// there is no other way to see that a site has a directive twice or listens on
// a path only. If Caddy renames the field, the block is empty and these checks
// do nothing.
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

// count returns how often a directive is written at the site's top level.
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

// addresses returns the site's addresses as written in the Caddyfile.
func (b block) addresses() []string {
	if !b.value.IsValid() {
		return nil
	}
	return tokens(b.value.FieldByName("Keys"))
}

// hides returns an address of the site that covers only some paths, if there is
// one.
func (b block) hides() (address string, hidden bool) {
	for _, key := range b.addresses() {
		parsed, err := httpcaddyfile.ParseAddress(key)
		if err == nil && parsed.Path != "" && parsed.Path != "/" && parsed.Path != "/*" {
			return key, true
		}
	}
	return "", false
}
