package webhook

import (
	"context"
	"log/slog"
	"net/url"
	"time"
)

// warn logs at most one warning a minute, so that a receiver or a store that is
// down does not fill the log; further ones are logged at level debug. Only
// Run's own goroutine logs.
func (s *Sender) warn(message string, attributes ...any) {
	level := slog.LevelDebug
	if time.Since(s.warned) >= time.Minute {
		level, s.warned = slog.LevelWarn, time.Now()
	}
	s.log(level, message, attributes...)
}

func (s *Sender) log(level slog.Level, message string, attributes ...any) {
	attributes = append(attributes, slog.String("target", s.Target), slog.String("url", plain(s.URL)))
	s.Logger.Log(context.Background(), level, message, attributes...)
}

// plain returns an address for the log: without user, password, query and
// fragment (attack: secrets in logs).
func plain(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
