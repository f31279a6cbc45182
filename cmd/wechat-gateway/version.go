package main

import (
	"fmt"
	"runtime/debug"
)

// asksVersion reports whether the command line is Caddy's own question for the
// version, which Caddy would answer with its version alone.
func asksVersion(args []string) bool {
	if len(args) != 2 {
		return false
	}
	return args[1] == "version" || args[1] == "--version" || args[1] == "-v"
}

// describe names the versions of the gateway, Caddy and Go, a line each. A
// commit is added, if Go knows it.
func describe(version, caddyVersion string, info *debug.BuildInfo) string {
	settings := make(map[string]string)
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	if commit := settings["vcs.revision"]; commit != "" {
		if settings["vcs.modified"] == "true" {
			commit += ", changed"
		}
		version += " (" + commit + ")"
	}
	return fmt.Sprintf("wechat-gateway %s\nCaddy %s\n%s %s/%s\n", version, caddyVersion, info.GoVersion, settings["GOOS"], settings["GOARCH"])
}
