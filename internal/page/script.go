package page

import (
	"crypto/sha256"
	_ "embed" // the script
	"encoding/base64"
	"html/template"
	"sync"
)

//go:embed scan.js
var scanScript string

// script is a built-in script. Operators cannot replace it.
type script struct {
	element template.HTML
	hash    string // as in a Content-Security-Policy
}

// waitScript returns the script of the Scan page, which is hashed once.
var waitScript = sync.OnceValue(func() script {
	hash := sha256.Sum256([]byte(scanScript))
	return script{
		element: template.HTML("<script>" + scanScript + "</script>"), //nolint:gosec // compiled in
		hash:    "sha256-" + base64.StdEncoding.EncodeToString(hash[:]),
	}
})

// Script returns the script element of a page that waits for a phone; other
// pages have none.
func (v view) Script() template.HTML {
	if v.WaitURL == "" {
		return ""
	}
	return waitScript().element
}
