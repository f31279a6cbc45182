package caddymodule

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// expand replaces the placeholders of the environment and of files in a
// configured value. Keep the result in unexported fields only, because the
// admin API shows exported ones.
func expand(field, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	expanded, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w; %s", field, err, missing(value))
	}
	return strings.TrimSpace(expanded), nil
}

// missing says how to fix a placeholder without a value.
func missing(value string) string {
	switch {
	case strings.Contains(value, "{env."):
		return "set the variable it names; a reload brings no new variable into a running server: restart it, or use {file.…}"
	case strings.Contains(value, "{file./run/credentials/"):
		return "write a LoadCredential line for it into the unit; systemd hands credentials over when the service starts: restart it, a reload is not enough"
	}
	return "set the variable or file it names (a literal value must not contain { })"
}

// expandURL expands the address of one of WeChat's hosts: scheme, host and an
// optional path.
func expandURL(field, value string) (string, error) {
	expanded, err := expand(field, value)
	if err != nil || expanded == "" {
		return "", err
	}
	if !isHostURL(expanded) {
		return "", fmt.Errorf("%s: %q is not an address like https://api.weixin.qq.com", field, withoutUser(value))
	}
	return strings.TrimSuffix(expanded, "/"), nil
}

// expandSecret is expand for a secret that another server compares. It refuses
// a byte order mark, which editors do not show and which would make it a
// different secret.
func expandSecret(field, value string) (string, error) {
	expanded, err := expand(field, value)
	if err == nil && strings.HasPrefix(expanded, byteOrderMark) {
		return "", fmt.Errorf("%s%s: %w", field, source(value), errSecretBOM)
	}
	return expanded, err
}

const byteOrderMark = "\ufeff"

// onePlaceholder matches a value that is only a placeholder and contains no
// secret.
var onePlaceholder = regexp.MustCompile(`^\{(env|file)\.[^{}]+\}$`)

// source returns, for an error, the variable or file that a value came from; ""
// if it is written in the configuration.
func source(value string) string {
	if !onePlaceholder.MatchString(value) {
		return ""
	}
	return " (" + value + ")"
}

// isLiteral reports whether a secret is written in the configuration itself,
// where the admin API and the saved configuration show it.
func isLiteral(value string) bool {
	return value != "" && !hasPlaceholder(value)
}

func hasPlaceholder(value string) bool { return strings.Contains(value, "{") }

// withoutUser removes user and password from an address, for errors.
func withoutUser(address string) string {
	if userinfo, rest := cutUserinfo(address); userinfo != "" {
		return "…@" + rest
	}
	return address
}

func isHostURL(value string) bool {
	u, err := url.Parse(value)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}
