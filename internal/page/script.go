package page

import (
	"crypto/sha256"
	_ "embed" // the scripts
	"encoding/base64"
	"encoding/json"
	"html/template"
	"sync"
)

//go:embed scan.js
var scanScript string

//go:embed form.js
var formScript string

//go:embed copy.js
var copyScript string

// script is a built-in script. Operators cannot replace it.
type script struct {
	element template.HTML
	hash    string // as in a Content-Security-Policy
}

func newScript(text string) script {
	hash := sha256.Sum256([]byte(text))
	return script{
		element: template.HTML("<script>" + text + "</script>"), //nolint:gosec // compiled in
		hash:    "sha256-" + base64.StdEncoding.EncodeToString(hash[:]),
	}
}

// The built-in scripts: of the Scan page, of the pages that keep and send a
// form, and of the page that shows an address to copy. They are hashed once.
var (
	waitScript    = sync.OnceValue(func() script { return newScript(scanScript) })
	keepScript    = sync.OnceValue(func() script { return newScript(formScript) })
	addressScript = sync.OnceValue(func() script { return newScript(copyScript) })
)

// Script returns the script element of a page that waits for a phone, shows an
// address to copy, or has data for its script, with that data; other pages have
// none.
func (v view) Script() template.HTML {
	switch {
	case v.data != "":
		return v.data
	case v.WaitURL != "":
		return waitScript().element
	case v.URL != "":
		return addressScript().element
	}
	return ""
}

// dataBlock returns data as an element that no browser runs, and the script
// that reads it, "" for none. In its JSON, < > and & are escaped, so that
// nothing in it ends the element (attack: script in the name or value of a
// field). The data may be large: it is put together once.
func dataBlock(data any) template.HTML {
	if data == nil {
		return ""
	}
	text, err := json.Marshal(data)
	if err != nil {
		return ""
	}
	return template.HTML(`<script type="application/json" id="data">` + string(text) + "</script>\n" + string(keepScript().element)) //nolint:gosec // json.Marshal escapes for HTML
}
