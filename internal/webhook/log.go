package webhook

import (
	"context"
	"log/slog"
	"net/url"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
)

// failureRate limits the warnings about failed deliveries.
var failureRate = limit.Rate{Burst: 1, Every: time.Minute}

// warn logs at most one warning a minute, so that a receiver or a store that is
// down does not fill the log; further ones are logged at level debug. Only
// Run's own goroutine logs.
func (s *Sender) warn(message string, attributes ...any) {
	level := slog.LevelDebug
	if ok, left := s.failures.Take(failureRate); ok {
		if level = slog.LevelWarn; left > 0 {
			attributes = append(attributes, slog.Int("left_out", left))
		}
	}
	s.log(level, message, attributes...)
}

// burialRate limits the warnings about dead letters.
var burialRate = limit.Rate{Burst: 10, Every: time.Minute}

// warnOfBurial is warn for dead letters, which an operator should see one by
// one while they are few (attack: visitors cause events, and a receiver that
// refuses them all fills the log).
func (s *Sender) warnOfBurial(message string, attributes ...any) {
	level := slog.LevelDebug
	if ok, left := s.burials.Take(burialRate); ok {
		if level = slog.LevelWarn; left > 0 {
			attributes = append(attributes, slog.Int("left_out", left))
		}
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
