package caddymodule

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/push"
)

// pushSummary is the message push of one account. The numbers count since the
// start of the process.
type pushSummary struct {
	Account      string            `json:"account"`
	Path         string            `json:"path"` // the server URL without the host
	Results      map[string]uint64 `json:"results"`
	Waiting      int64             `json:"waiting"`       // events that the ledger does not have yet
	LastPush     *time.Time        `json:"last_push"`     // signed and accepted; null for none
	LastVerified *time.Time        `json:"last_verified"` // WeChat's check of the server URL; null for none
}

// answerPushes lists the accounts with message push.
func (a *App) answerPushes(w http.ResponseWriter, _ *http.Request) error {
	list := []pushSummary{}
	for _, account := range a.accounts {
		if account.push == nil {
			continue
		}
		n := pushCounts.of(account.Name)
		list = append(list, pushSummary{
			Account: account.Name, Path: pushPrefix + account.Name, Results: pushResults(n), Waiting: n.Waiting.Load(),
			LastPush: unixTime(&n.LastReceived), LastVerified: unixTime(&n.LastVerified),
		})
	}
	return writeAdmin(w, http.StatusOK, list)
}

// pushResults returns the counts by result, as metrics and the admin endpoint
// name it.
func pushResults(n *push.Counts) map[string]uint64 {
	return map[string]uint64{
		"verified": n.Verified.Load(), "received": n.Received.Load(), "refused": n.Refused.Load(), "stale": n.Stale.Load(),
		"unread": n.Unread.Load(), "acted": n.Acted.Load(), "repeated": n.Repeated.Load(), "nobody": n.NoPerson.Load(),
		"late": n.Late.Load(), "retried": n.Retried.Load(), "lost": n.Lost.Load(), "full": n.Full.Load(), "unkept": n.Unkept.Load(),
		"relayed": n.Relayed.Load(), "relay_failed": n.RelayFail.Load(),
	}
}

// unixTime reads seconds since 1970, nil for 0.
func unixTime(seconds *atomic.Int64) *time.Time {
	n := seconds.Load()
	if n == 0 {
		return nil
	}
	at := time.Unix(n, 0).UTC()
	return &at
}
