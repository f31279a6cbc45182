// Package caddytest helps tests that load configurations into a Caddy of their
// own process. It imports the standard library alone, not Caddy.
package caddytest
