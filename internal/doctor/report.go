package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/caddy-wechat/gateway/internal/advice"
)

// Finding is the outcome of one check of one thing.
type Finding struct {
	Check   string // the check's name, such as "secret"
	Subject string // what was checked: an account's name, a site's origin, or ""
	Status  Status
	Says    advice.Text // what was found
	Advice  string      // the row of internal/advice that says what to do; "" for Pass
}

// Fix returns what to do, empty for Pass.
func (f Finding) Fix() advice.Text {
	row, _ := advice.ByID(f.Advice)
	return row.Fix
}

// Report is the outcome of all checks.
type Report struct {
	Findings []Finding
}

// Worst returns the worst outcome.
func (r Report) Worst() Status {
	worst := Pass
	for _, f := range r.Findings {
		worst = max(worst, f.Status)
	}
	return worst
}

// count returns how many findings have a status.
func (r Report) count(s Status) (n int) {
	for _, f := range r.Findings {
		if f.Status == s {
			n++
		}
	}
	return n
}

// WriteText writes the report for people, in a language, "zh" or "en".
func (r Report) WriteText(w io.Writer, language string) error {
	var b strings.Builder
	for _, f := range r.Findings {
		where := f.Check
		if f.Subject != "" {
			where += " " + f.Subject
		}
		fmt.Fprintf(&b, "[%s] %s: %s\n", f.Status.In(language), where, f.Says.In(language))
		if fix := f.Fix().In(language); fix != "" {
			fmt.Fprintf(&b, "    → %s\n", fix)
		}
	}
	b.WriteString("\n")
	for i, s := range []Status{Pass, Warning, Failure, Unknown} {
		if i > 0 {
			b.WriteString(advice.Text{Chinese: "，", English: ", "}.In(language))
		}
		fmt.Fprintf(&b, "%s %d", s.In(language), r.count(s))
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// line is a finding in JSON.
type line struct {
	Check   string `json:"check"`
	Subject string `json:"subject,omitempty"`
	Status  Status `json:"status"`
	Says    string `json:"says"`
	Fix     string `json:"fix,omitempty"`
	Advice  string `json:"advice,omitempty"`
}

// WriteJSON writes the report as one JSON object, in a language.
func (r Report) WriteJSON(w io.Writer, language string) error {
	object := struct {
		Status   Status `json:"status"`
		Findings []line `json:"findings"`
	}{r.Worst(), make([]line, 0, len(r.Findings))}
	for _, f := range r.Findings {
		object.Findings = append(object.Findings, line{f.Check, f.Subject, f.Status, f.Says.In(language), f.Fix().In(language), f.Advice})
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(object)
}

// hide removes secrets from all sentences: no check writes one, and none gets
// out if a check, or a server's own words, should (attack: a server that
// repeats in its error what it was sent).
func (r Report) hide(secrets []string) {
	for i := range r.Findings {
		f := &r.Findings[i]
		for _, secret := range secrets {
			if len(secret) < 3 {
				continue // would cut words
			}
			f.Says.Chinese = strings.ReplaceAll(f.Says.Chinese, secret, "…")
			f.Says.English = strings.ReplaceAll(f.Says.English, secret, "…")
			f.Subject = strings.ReplaceAll(f.Subject, secret, "…")
		}
	}
}
