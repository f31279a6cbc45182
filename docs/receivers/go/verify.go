package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// tolerance is how far the time of a message may be from ours: an older message
// may be a replay.
const tolerance = 5 * time.Minute

var (
	errUnsigned = errors.New("not signed by the gateway, or too old")
	errSecret   = errors.New("a webhook secret has at least 24 bytes")

	idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// verifier checks that a webhook comes from the WeChat gateway (Standard
// Webhooks, HMAC-SHA-256).
type verifier struct {
	key []byte
}

// newVerifier takes the secret that the gateway is configured with; while it is
// being rotated, either of the two.
func newVerifier(secret string) (verifier, error) {
	key := []byte(secret)
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		var err error
		if key, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "=")); err != nil {
			return verifier{}, errSecret
		}
	}
	if len(key) < 24 {
		return verifier{}, errSecret
	}
	return verifier{key}, nil
}

// verify reports whether a message is genuine and fresh. The body is taken as
// it came.
func (v verifier) verify(h http.Header, body []byte, now time.Time) error {
	id, timestamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || !idForm.MatchString(id) || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return errUnsigned
	}
	mac := hmac.New(sha256.New, v.key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for one := range strings.SplitSeq(h.Get("webhook-signature"), " ") {
		if hmac.Equal(expected, []byte(one)) { // takes the same time wherever the first difference is
			return nil
		}
	}
	return errUnsigned
}
