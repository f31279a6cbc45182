package gate

import (
	"crypto/sha256"
	_ "embed" // the script
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/response"
)

//go:embed client.js
var clientSource string

// clientPath is the path of the script below request.Prefix.
const clientPath = "client.js"

// clientScript is the script for pages of the site, as it is served.
type clientScript struct{ text, etag string }

// theClientScript makes the script once: without indentation and without lines
// of comments.
var theClientScript = sync.OnceValue(func() clientScript {
	var text strings.Builder
	for line := range strings.Lines(clientSource) {
		if line = strings.TrimLeft(line, " "); !strings.HasPrefix(line, "//") {
			text.WriteString(line)
		}
	}
	sum := sha256.Sum256([]byte(text.String()))
	return clientScript{text: text.String(), etag: `"` + hex.EncodeToString(sum[:16]) + `"`}
})

// serveClientScript answers with the script. It is the same for each visitor,
// so caches may keep it: no cookie is set, and none is read. There is no CORS
// header: the script is of use to pages of this site only.
func serveClientScript(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		response.MethodNotAllowed(w, http.MethodGet, http.MethodHead)
		return
	}
	script, h := theClientScript(), w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Etag", script.etag)
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(script.text)) // answers 304
}
