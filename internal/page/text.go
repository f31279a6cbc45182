package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// words says one thing in both languages. {site} stands for the host and {seconds} for the time until a reload.
type words struct {
	Chinese string `json:"zh-CN"`
	English string `json:"en"`
}

func (w words) in(lang language) string {
	if lang == chinese {
		return w.Chinese
	}
	return w.English
}

// texts holds the words of every page by key; those of all pages stand under common.
type texts map[Kind]map[string]words

const common Kind = "common"

// find returns the words for a key, of the page itself or of all pages.
func (t texts) find(k Kind, key string) (words, error) {
	if w, ok := t[k][key]; ok {
		return w, nil
	}
	if w, ok := t[common][key]; ok {
		return w, nil
	}
	return words{}, fmt.Errorf("page %s has no text %q", k, key)
}

// has reports whether the page itself has words for a key.
func (t texts) has(k Kind, key string) bool {
	_, ok := t[k][key]
	return ok
}

// overlay puts own words over t. Words may be given in one language only, but not for a page or a key that t does
// not have: a misspelled name must not go unnoticed.
func (t texts) overlay(own texts) error {
	for kind, keys := range own {
		if _, ok := t[kind]; !ok {
			return fmt.Errorf("no page is called %q", kind)
		}
		for key, w := range keys {
			base, ok := t[kind][key]
			if !ok {
				return fmt.Errorf("page %s has no text %q", kind, key)
			}
			if w.Chinese != "" {
				base.Chinese = w.Chinese
			}
			if w.English != "" {
				base.English = w.English
			}
			t[kind][key] = base
		}
	}
	return nil
}

// parseTexts reads a texts.json.
func parseTexts(data []byte) (texts, error) {
	var t texts
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the closing brace")
	}
	return t, nil
}
