package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile sets up the store from Caddyfile tokens. Syntax:
//
//	store redis <address> {
//		username          <name>
//		password          <password>
//		sentinel_username <name>
//		sentinel_password <password>
//		ca                <file>
//		cert              <file>
//		key               <file>
//		prefix            <text>
//		stale_if_down     <duration>
//	}
func (s *RedisStore) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the store's name
	if !d.Args(&s.Address) || s.Address == "" {
		return d.Err("store redis needs an address: store redis redis://10.0.0.5:6379/0")
	}
	if err := noMore(d, "store redis"); err != nil {
		return err
	}
	if !hasPlaceholder(s.Address) {
		if _, err := parseRedisURL(s.Address); err != nil {
			return d.Errf("store redis: %v", err)
		}
	}
	return words{
		"username":          text(&s.Username),
		"password":          text(&s.Password),
		"sentinel_username": text(&s.SentinelUsername),
		"sentinel_password": text(&s.SentinelPassword),
		"ca":                text(&s.CA),
		"cert":              text(&s.Cert),
		"key":               text(&s.Key),
		"prefix":            text(&s.Prefix),
		"stale_if_down":     duration(&s.StaleIfDown),
	}.parse(d, "store redis")
}

// Interface guards.
var _ caddyfile.Unmarshaler = (*RedisStore)(nil)
