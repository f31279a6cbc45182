package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// words is one text in both languages. {site} is replaced by the host and
// {seconds} by the time until a reload.
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

// texts holds the words of every page by key; those of all pages are under
// common.
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

// overlay replaces words of t with own. Words may be given in one language
// only. An unknown page or key is an error, so that a misspelled name is
// noticed.
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
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errEmpty
	}
	var t texts
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return nil, explainJSON(data, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the closing brace")
	}
	return t, nil
}

// explainJSON returns an error with the line where JSON is wrong.
func explainJSON(data []byte, err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON is not closed: the file ends before its last }")
	case errors.As(err, &wrong):
		return fmt.Errorf(`line %d: expected {"<page>": {"<text>": {"zh-CN": "…", "en": "…"}}}, found a %s`, lineAt(data, wrong.Offset), wrong.Value)
	case !errors.As(err, &syntax):
		return err
	}
	line := lineAt(data, syntax.Offset)
	if at := syntax.Offset - 1; at >= 0 && at < int64(len(data)) {
		if r, _ := utf8.DecodeRune(data[at:]); r >= utf8.RuneSelf { // the decoder's error shows only one byte of the character
			return fmt.Errorf("line %d: %q cannot stand there; the quotes of JSON are \" and its commas ,", line, r)
		}
	}
	return fmt.Errorf("line %d: %w", line, err)
}

// lineAt returns the number of the line at an offset in a text.
func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
}
