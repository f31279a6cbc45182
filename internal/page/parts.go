package page

import (
	"bytes"
	"html"
	"maps"
	"slices"
	"strings"
)

// What a page.html may lack, as a warning names it.
const (
	partScript = "{{.Script}}"
	partPost   = `a form with method="post"`
	partBytes  = `accept-charset="windows-1252"` // a form is sent again byte for byte
)

// keptParts are the parts of a Resend page that its script works with.
var keptParts = []string{"form", "target", "file", "secret", "fields", "content", "list", "drop", "gone", "leave"}

// missing returns the parts of a rendered page without which it is useless. A
// template of the operator may be older than the page.
func (v *view) missing(body []byte) (parts []string) {
	need := func(name, text string) {
		if !bytes.Contains(body, []byte(text)) {
			parts = append(parts, name)
		}
	}
	switch v.Kind {
	case Scan:
		need("{{.QR}}", string(v.QR))
		need("{{.Number}}", v.Number)
		need(partScript, string(v.Script()))
	case ScanConfirm:
		if v.ConfirmURL != "" {
			need(partPost, `method="post"`)
			need(`name="number"`, `name="number"`)
			need(`name="deny"`, `name="deny"`)
		}
	case Framed:
		need(`a link with target="_top"`, `target="_top"`)
	case OtherPerson:
		if v.SwitchURL != "" {
			need(partPost, `method="post"`)
		}
	case Follow:
		need("{{.Code}}", string(v.Code))
		if v.FollowURL != "" {
			need(partPost, `method="post"`)
		}
	case Resend:
		if v.Waits {
			need(partPost, `method="post"`)
			need(partBytes, partBytes)
			for _, id := range keptParts {
				need(`id="kept-`+id+`"`, `id="kept-`+id+`"`)
			}
			need(partScript, string(v.Script()))
		}
	case Consent:
		// The law asks for the link where the visitor consents.
		if link := string(v.Privacy()); !strings.Contains(html.UnescapeString(string(body)), link) {
			parts = append(parts, "a link to {{.Privacy}}")
		}
	}
	return parts
}

// Missing returns one sentence that says which pages lack necessary parts in
// the operator's page.html, "" if there are none: visitors see the built-in
// layout of these pages.
func (t *Theme) Missing() string {
	if t == nil || t.template == nil || t.template == builtin().template {
		return ""
	}
	var pages []string
	keepsNone := false
	for _, kind := range slices.Sorted(maps.Keys(statuses)) {
		lacks, scriptless := t.lacks(kind)
		if len(lacks) > 0 {
			pages = append(pages, string(kind)+" ("+strings.Join(lacks, ", ")+")")
		}
		keepsNone = keepsNone || kind == SignInExpired && scriptless
	}
	var sentences []string
	if len(pages) > 0 {
		sentences = append(sentences, "these pages lack necessary parts, so visitors see their built-in layout: "+strings.Join(pages, "; "))
	}
	if keepsNone {
		sentences = append(sentences, "sign_in_expired lacks "+partScript+", so preserve_post keeps no form")
	}
	if len(sentences) == 0 {
		return ""
	}
	return templateFile + ": " + strings.Join(sentences, "; and ")
}

// lacks returns the necessary parts that a kind of page lacks in some state,
// and whether one with data for a script has no script.
func (t *Theme) lacks(kind Kind) (parts []string, scriptless bool) {
	for s := range statesOf(kind) {
		s.page.Theme = t
		v := s.page.view(english, true)
		var body bytes.Buffer
		if err := t.template.Execute(&body, v); err != nil {
			parts = append(parts, err.Error()) // with a brand only: LoadTheme has tried it without
			continue
		}
		for _, part := range v.missing(body.Bytes()) {
			if !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
		scriptless = scriptless || v.data != "" && !bytes.Contains(body.Bytes(), []byte(v.Script()))
	}
	return parts, scriptless
}
