package page

import (
	"io"
	"maps"
	"strings"
)

// clone returns a copy that may be changed.
func (t *Theme) clone() *Theme {
	c := *t
	c.texts = make(texts, len(t.texts))
	for kind, keys := range t.texts {
		c.texts[kind] = maps.Clone(keys)
	}
	c.pictures = maps.Clone(t.pictures)
	return &c
}

// rehearse renders every page in both languages, with all fields and with none.
func (t *Theme) rehearse() error {
	const address = "https://shop.example.com/"
	everything := Page{
		Site: "shop.example.com", URL: address, ContinueURL: ownPrefix + "login", DeclineURL: ownPrefix + "decline",
		ReturnTo: "/", Reference: "r-1",
		WaitURL: ownPrefix + "scan/wait/x", ConfirmURL: ownPrefix + "scan/x", Number: "407", Numbers: []string{"119", "407", "823"},
		Data: struct{}{}, Other: true,
		Device: "Windows · Chrome", Network: "203.0.113.x",
	}
	long := everything // the code opens the front page
	long.URL = address + strings.Repeat("a", maxQR)
	onlyText := everything
	onlyText.URL = "https://" + strings.Repeat("a", maxQR) + ".example.com/"
	nothing := Page{RetryAfter: -1}
	for kind := range statuses {
		for _, lang := range []language{chinese, english} {
			for _, p := range []Page{everything, long, onlyText, nothing} {
				p.Kind, p.Theme = kind, t
				if err := t.template.Execute(io.Discard, p.view(lang, true)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
