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

// script is a script of ours. Operators cannot replace it: they have the template for everything else.
type script struct {
	element template.HTML
	hash    string // as in a Content-Security-Policy
}

// waitScript returns the script of the Scan page: a constant, hashed once.
var waitScript = sync.OnceValue(func() script {
	hash := sha256.Sum256([]byte(scanScript))
	return script{
		element: template.HTML("<script>" + scanScript + "</script>"), //nolint:gosec // compiled in
		hash:    "sha256-" + base64.StdEncoding.EncodeToString(hash[:]),
	}
})

// Script returns the script of a page that waits, with its element; the other pages have none.
func (v view) Script() template.HTML {
	if v.WaitURL == "" {
		return ""
	}
	return waitScript().element
}
