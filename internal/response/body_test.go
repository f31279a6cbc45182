package response

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever body comes: an answer, or an object within the limit.
func FuzzReadJSON(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"code":"x"}`, `{"code":1}`, "null", `[{}]`, " \n{\"rawData\":\"{}\"}", "{}{}", `{"code":"` + strings.Repeat("x", 100) + `"}`} {
		f.Add("application/json", seed)
	}
	f.Add("text/plain", "{}")
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		var v struct{ Code, RawData string }
		ok := ReadJSON(w, r, 64, &v)
		if ok && (len(body) > 64 || !json.Valid([]byte(body)) || w.Body.Len() != 0) {
			t.Fatalf("%q was taken: %s", body, w.Body)
		}
		if !ok && (w.Code < 400 || !json.Valid(w.Body.Bytes())) {
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}
