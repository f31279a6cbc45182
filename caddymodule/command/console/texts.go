package console

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

//go:embed texts.json
var textFile []byte

// text is one sentence in both languages. {0}, {1} and so on stand for values.
type text map[language]string

// texts are all sentences of the pages. The file is checked by a test.
var texts = sync.OnceValues(func() (map[string]text, error) {
	var all map[string]text
	if err := json.Unmarshal(textFile, &all); err != nil {
		return nil, fmt.Errorf("console: texts.json: %w", err)
	}
	return all, nil
})

// in returns the sentence in a language, with the values put in.
func (t text) in(l language, values ...any) string {
	sentence := t[l]
	if len(values) == 0 {
		return sentence
	}
	pairs := make([]string, 0, 2*len(values))
	for i, value := range values {
		pairs = append(pairs, fmt.Sprintf("{%d}", i), fmt.Sprint(value))
	}
	// One pass: a value that looks like {1} stays as it is.
	return strings.NewReplacer(pairs...).Replace(sentence)
}
