package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the script
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"sync"
)

// Fragment is the small page that takes the fragment of the visitor's address
// along to the sign-in. Visitors hardly see it: its script goes on at once, and
// without a script it goes on without the fragment. So it has no theme.
type Fragment struct {
	Site string // the host shown as the title

	// Next is where the page goes on to: a path below /_wechat/ with a query
	// whose last parameter is the address to return to. The script appends the
	// fragment to it, percent-encoded.
	Next string

	// Room is the longest fragment in bytes, with its #, that is taken along.
	// For a longer one the script appends &fragment_length= and its length
	// without the #.
	Room int
}

//go:embed fragment.js
var fragmentScript string

// fragmentStyle shows the link only where the script does not go on, or where
// the answer takes long. Browsers that know no animation show it at once.
const fragmentStyle = "body{margin:0;font:17px/1.6 sans-serif;text-align:center}a{display:block;padding:40vh 24px;color:#576b95;animation:s 0s 2s both}" +
	"@keyframes s{from{visibility:hidden}}@media(prefers-color-scheme:dark){body{background:#111}a{color:#7d90a9}}"

var fragmentPage = template.Must(template.New("fragment").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<noscript><meta http-equiv="refresh" content="0;url={{.Next}}"></noscript>
<title>{{or .Site .Words}}</title>
{{.Style}}
</head>
<body>
<a id="next" href="{{.Next}}" data-room="{{.Room}}">{{.Words}}</a>
{{.Script}}
</body>
</html>
`))

// fragmentWords is the text of the link.
var fragmentWords = words{Chinese: "继续登录", English: "Continue to sign in"}

// fragmentPolicy is the Content-Security-Policy, which is hashed once: this
// script and this style, nothing else.
var fragmentPolicy = sync.OnceValue(func() string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + hash(fragmentScript) + "; style-src " + hash(fragmentStyle) +
		"; img-src data:; form-action 'none'; frame-ancestors 'self'; base-uri 'none'"
})

// Write answers r with the page, or only with its headers if r is a HEAD
// request.
func (f Fragment) Write(w http.ResponseWriter, r *http.Request) {
	lang := preferred(r)
	var body bytes.Buffer
	// The data is complete, so the template cannot fail.
	_ = fragmentPage.Execute(&body, map[string]any{
		"Lang": lang, "Site": cleanSite(f.Site), "Next": cleanPath(f.Next), "Room": f.Room, "Words": fragmentWords.in(lang),
		"Style":  template.HTML("<style>" + fragmentStyle + "</style>"),    //nolint:gosec // compiled in
		"Script": template.HTML("<script>" + fragmentScript + "</script>"), //nolint:gosec // compiled in
	})
	h := w.Header()
	setCommon(h, lang)
	h.Set("Content-Security-Policy", fragmentPolicy())
	h.Set("X-Frame-Options", "SAMEORIGIN") // a frame of the site may be signed in, as by a redirect
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // the visitor is gone: the error cannot be reported
	}
}
