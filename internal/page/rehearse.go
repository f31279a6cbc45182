package page

import (
	"io"
	"maps"
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

// rehearse renders every page in both languages, in all states.
func (t *Theme) rehearse() error {
	for kind := range statuses {
		for _, lang := range []language{chinese, english} {
			for s := range statesOf(kind) {
				s.page.Theme = t
				if err := t.template.Execute(io.Discard, s.page.view(lang, true)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
