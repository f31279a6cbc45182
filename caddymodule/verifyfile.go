package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// serveVerifyFile answers with a file by which WeChat checks that a domain is
// the operator's.
func serveVerifyFile(w http.ResponseWriter, r *http.Request, content string) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return caddyhttp.Error(http.StatusMethodNotAllowed, errors.New("verify files are read only"))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodGet {
		_, err := w.Write([]byte(content))
		return err
	}
	return nil
}
