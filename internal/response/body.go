package response

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"unicode/utf8"
)

// ReadJSON reads the body of r, a JSON object of at most limit bytes, into v.
// It ignores unknown fields. If it returns false, it has answered. It accepts
// only JSON: a form turns every + of base64 into a space, and any site can post
// one.
func ReadJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		WriteError(w, http.StatusUnsupportedMediaType, "not_json", "Send JSON, with Content-Type: application/json.")
		return false
	}
	body, ok := readBody(w, r, limit)
	if !ok {
		return false
	}
	if !utf8.Valid(body) || !strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "{") || json.Unmarshal(body, v) != nil {
		WriteError(w, http.StatusBadRequest, "bad_json", "The body is not a JSON object of the expected form.")
		return false
	}
	return true
}

// ReadForm reads the body of r, at most limit bytes, so that PostFormValue
// finds it. If it returns false, it has answered: an incomplete form is not
// read as an empty one.
func ReadForm(w http.ResponseWriter, r *http.Request, limit int64) bool {
	body, ok := readBody(w, r, limit)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return ok
}

// readBody reads the body of r, at most limit bytes. If it returns false, it
// has answered.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err == nil {
		BodyArrived(w)
		return body, true
	}
	switch status := BodyStatus(w, r, err); status {
	case http.StatusRequestEntityTooLarge:
		WriteError(w, status, "too_large", "The body is too large.")
	case http.StatusRequestTimeout:
		WriteError(w, status, "body_timeout", "The body did not arrive in time. Send it again without delay.")
	default:
		WriteError(w, status, "bad_body", "The body is incomplete.")
	}
	return nil, false
}

// BodyStatus returns the status for an error of reading a body: 413, 408 or
// 400.
func BodyStatus(w http.ResponseWriter, r *http.Request, err error) int {
	var tooLarge *http.MaxBytesError
	var late net.Error
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &late) && late.Timeout():
		if r.ProtoMajor == 1 {
			// The rest of the body must not be read as a request. Since HTTP/2
			// the stream ends by itself, and this header would close the whole
			// connection.
			w.Header().Set("Connection", "close")
		}
		return http.StatusRequestTimeout
	default:
		return http.StatusBadRequest
	}
}
