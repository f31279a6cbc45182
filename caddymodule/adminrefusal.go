package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// refusal is the word in a refused admin call, for programs. The words are a
// closed set, which docs/admin.md lists.
type refusal string

// The words of refusals. Each has a row in refusalStatus and in docs/admin.md.
const (
	invalidQuery     refusal = "invalid_query"
	invalidBody      refusal = "invalid_body"
	invalidID        refusal = "invalid_id"
	invalidLine      refusal = "invalid_line"
	appIDRequired    refusal = "app_id_required"
	unknownCall      refusal = "unknown_call"
	personNotFound   refusal = "person_not_found"
	sessionNotFound  refusal = "session_not_found"
	webhookNotFound  refusal = "webhook_not_found"
	letterNotFound   refusal = "letter_not_found"
	banNotFound      refusal = "ban_not_found"
	methodNotAllowed refusal = "method_not_allowed"
	ledgerConflict   refusal = "ledger_conflict"
	keysConfigured   refusal = "keys_configured"
	tooManyKeys      refusal = "too_many_keys"
	tooManyBans      refusal = "too_many_bans"
	tooLarge         refusal = "too_large"
	internalError    refusal = "internal_error"
	webhookFailed    refusal = "webhook_failed"
	notSupported     refusal = "not_supported"
	notConfigured    refusal = "not_configured"
	storeUnavailable refusal = "store_unavailable"
	storeCorrupt     refusal = "store_corrupt"
	keysUnavailable  refusal = "keys_unavailable"
	indexBuilding    refusal = "index_building"
)

// refusalStatus is the HTTP status of each refusal.
var refusalStatus = map[refusal]int{
	invalidQuery:     http.StatusBadRequest,
	invalidBody:      http.StatusBadRequest,
	invalidID:        http.StatusBadRequest,
	invalidLine:      http.StatusBadRequest,
	appIDRequired:    http.StatusBadRequest,
	unknownCall:      http.StatusNotFound,
	personNotFound:   http.StatusNotFound,
	sessionNotFound:  http.StatusNotFound,
	webhookNotFound:  http.StatusNotFound,
	letterNotFound:   http.StatusNotFound,
	banNotFound:      http.StatusNotFound,
	methodNotAllowed: http.StatusMethodNotAllowed,
	ledgerConflict:   http.StatusConflict,
	keysConfigured:   http.StatusConflict,
	tooManyKeys:      http.StatusConflict,
	tooManyBans:      http.StatusConflict,
	tooLarge:         http.StatusRequestEntityTooLarge,
	internalError:    http.StatusInternalServerError,
	webhookFailed:    http.StatusBadGateway,
	notSupported:     http.StatusNotImplemented,
	notConfigured:    http.StatusServiceUnavailable,
	storeUnavailable: http.StatusServiceUnavailable,
	storeCorrupt:     http.StatusServiceUnavailable,
	keysUnavailable:  http.StatusServiceUnavailable,
	indexBuilding:    http.StatusServiceUnavailable,
}

// refusedCall is an answer of an admin call other than success.
type refusedCall struct {
	Code    int     `json:"code"`
	Word    refusal `json:"error"`
	Line    int     `json:"line,omitempty"` // of an import; 0 if the refusal is not about a line
	Message string  `json:"message"`
	cause   error   // for the log; nil if the message says it all
}

// Error implements error. It is the text for the log.
func (c *refusedCall) Error() string {
	text := c.Message
	if c.cause != nil {
		text = c.cause.Error()
	}
	if c.Line > 0 {
		return fmt.Sprintf("line %d: %s", c.Line, text)
	}
	return text
}

// Unwrap returns the cause.
func (c *refusedCall) Unwrap() error { return c.cause }

// refuseAdmin is an answer other than success. The message is a sentence for
// operators and contains nothing internal. cause goes to the log.
func refuseAdmin(why refusal, message string, cause error) error {
	return &refusedCall{Code: refusalStatus[why], Word: why, Message: message, cause: cause}
}

// refuseLine is refuseAdmin for a line of an import.
func refuseLine(line int, why refusal, message string, cause error) error {
	return &refusedCall{Code: refusalStatus[why], Word: why, Message: message, Line: line, cause: cause}
}

// adminHandler makes a call a handler of Caddy's admin endpoint. It writes
// refusals itself, because Caddy's own form has neither code nor word, and logs
// them as Caddy does.
func adminHandler(call func(http.ResponseWriter, *http.Request) error) caddy.AdminHandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "no-store")
		err := call(w, r)
		if err == nil {
			return nil
		}
		var c *refusedCall
		if !errors.As(err, &c) {
			// Attack: an internal error reaches the caller.
			c = &refusedCall{http.StatusInternalServerError, internalError, 0, "the call failed; see the log", err}
		}
		caddy.Log().Named("admin.api").Error("request error",
			zap.Error(err), zap.Int("status_code", c.Code), zap.String("refusal", string(c.Word)))
		data, err := json.Marshal(c)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(c.Code)
		_, _ = w.Write(append(data, '\n')) // the caller is gone: the error cannot be reported
		return nil
	}
}
