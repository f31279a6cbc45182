package wechat

import (
	"encoding/json"
	"strconv"
	"time"
)

// Limits of a watermark's time.
const (
	maxAge   = 10 * time.Minute // how long ago WeChat may have made the data
	maxAhead = time.Minute      // how far WeChat's clock may be ahead
)

// watermark says for which mini program and when WeChat made the data. Without
// it, data of another mini program or of last year would be accepted.
type watermark struct {
	appID string
	made  time.Time // zero: none
}

// parseWatermark reads the watermark in r. Numbers may be strings.
func parseWatermark(r reply) (watermark, bool) {
	var inner reply
	if raw, ok := r["watermark"]; !ok || json.Unmarshal(raw, &inner) != nil {
		return watermark{}, false
	}
	appID, ok := inner.text("appid")
	text, okTime := inner.text("timestamp")
	seconds, err := strconv.ParseInt(text, 10, 64)
	if !ok || !okTime || err != nil || seconds <= 0 || seconds > 1<<40 { // bounded: an overflow would look fresh
		return watermark{appID: appID}, ok && appID != ""
	}
	return watermark{appID: appID, made: time.Unix(seconds, 0)}, true
}

// checkWatermark checks the watermark of an opened envelope.
func (e Envelope) checkWatermark(r reply, now time.Time) error {
	mark, ok := parseWatermark(r)
	age := now.Sub(mark.made)
	switch {
	case !ok, e.AppID == "", mark.appID != e.AppID:
		return ErrForeignApp
	case mark.made.IsZero(), age > maxAge, age < -maxAhead:
		return ErrStale
	}
	return nil
}
