package caddymodule

import (
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/history"
)

// recentHistory is the answer of GET /wechat/history.
type recentHistory struct {
	Since   time.Time        `json:"since"` // when the gateway began to remember
	Step    int              `json:"step_seconds"`
	Buckets []history.Bucket `json:"buckets"`
}

// answerHistory answers with the last 24 hours of this gateway.
func (a *App) answerHistory(w http.ResponseWriter, _ *http.Request) error {
	if a.history == nil {
		return refuseAdmin(notConfigured, "the gateway has not started yet; try again", nil)
	}
	return writeAdmin(w, http.StatusOK, recentHistory{
		a.history.Begun(), int(history.Step.Seconds()), a.history.Buckets(),
	})
}
