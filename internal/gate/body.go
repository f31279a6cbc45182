package gate

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Limits of the bodies that clients send, in bytes.
const (
	maxLoginBody   = 16 << 10
	maxProfileBody = 64 << 10
)

// readJSON reads the body of r, a JSON object of at most limit bytes, into v. What
// v does not know is ignored. It has answered when it returns false. Only JSON is
// taken: a form turns every + of base64 into a blank, and any site can post one.
func readJSON(w http.ResponseWriter, r *Request, limit int64, v any) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		writeError(w, http.StatusUnsupportedMediaType, "not_json", "Send JSON, with Content-Type: application/json.")
		return false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		writeError(w, http.StatusRequestEntityTooLarge, "too_large", "The body is too large.")
	case err != nil || !utf8.Valid(body) || !strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "{") || json.Unmarshal(body, v) != nil:
		writeError(w, http.StatusBadRequest, "bad_json", "The body is not a JSON object of the expected form.")
	default:
		return true
	}
	return false
}
