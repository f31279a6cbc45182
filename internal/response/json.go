package response

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is the body of every error of the endpoints.
type Error struct {
	Code        int    `json:"code"`
	Error       string `json:"error"`
	Message     string `json:"message"`
	RedirectURL string `json:"redirect_url,omitempty"`
	// Follow says that the visitor may enter after following the site's
	// official account.
	Follow bool `json:"follow,omitempty"`
}

// WriteError answers with an error. code is snake_case, message a sentence;
// both are for the client and reveal nothing internal.
func WriteError(w http.ResponseWriter, status int, code, message string) {
	WriteJSON(w, status, Error{Code: status, Error: code, Message: message})
}

// WriteJSON answers with a body that no cache may store.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(true)
	_ = enc.Encode(body) // an error means that the client is gone
}

// MethodNotAllowed answers 405 and names the methods that are allowed.
func MethodNotAllowed(w http.ResponseWriter, methods ...string) {
	w.Header().Set("Allow", strings.Join(methods, ", "))
	WriteError(w, http.StatusMethodNotAllowed, "method_not_allowed", "Use "+strings.Join(methods, " or ")+".")
}

// RetryIn sets Retry-After.
func RetryIn(w http.ResponseWriter, after time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
}
