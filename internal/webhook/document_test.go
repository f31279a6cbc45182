package webhook

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// documents lists docs/revocation.md in each language.
var documents = []string{"revocation.md", "revocation.zh-CN.md"}

// docs/revocation.md shows a message that fits the schema, with the right
// signature.
func TestDocumentedMessage(t *testing.T) {
	for _, name := range documents {
		t.Run(name, func(t *testing.T) { checkMessage(t, document(t, name)) })
	}
}

func checkMessage(t *testing.T, text string) {
	t.Helper()
	m := regexp.MustCompile("(?s)```http\n.*?(webhook-id.*?)\n\n(.*?)\n```").FindStringSubmatch(text)
	if m == nil {
		t.Fatal("there is no message")
	}
	var v any
	if err := json.Unmarshal([]byte(m[2]), &v); err != nil {
		t.Fatal(err)
	}
	rules := readSchema(t)
	if fault := rules.check(map[string]any(rules), v, "body"); fault != "" {
		t.Error(fault)
	}
	shown := http.Header{}
	for line := range strings.SplitSeq(m[1], "\n") {
		name, value, _ := strings.Cut(line, ": ")
		shown.Set(name, value)
	}
	key, err := secretKey(testSecret.Reveal())
	if err != nil || !strings.Contains(text, testSecret.Reveal()) {
		t.Fatal("the secret is not shown")
	}
	want := http.Header{}
	sign(want, [][]byte{key}, v.(map[string]any)["id"].(string), time.Unix(1772359200, 0), []byte(m[2]))
	for name := range want {
		if shown.Get(name) != want.Get(name) {
			t.Errorf("%s: %s, want %s", name, shown.Get(name), want.Get(name))
		}
	}
}

// The document tells of every type and every field of the schema, and leads to
// files that are there.
func TestDocumentIsComplete(t *testing.T) {
	for _, name := range documents {
		t.Run(name, func(t *testing.T) { checkComplete(t, document(t, name)) })
	}
}

func checkComplete(t *testing.T, text string) {
	t.Helper()
	rules := readSchema(t)
	for name, rule := range rules["$defs"].(map[string]any) {
		properties, ok := rule.(map[string]any)["properties"].(map[string]any)
		if !ok {
			continue
		}
		if !strings.Contains(text, "| `"+name+"` |") {
			t.Errorf("nothing is said of the type %s", name)
		}
		for field := range properties["data"].(map[string]any)["properties"].(map[string]any) {
			if !strings.Contains(text, "`"+field+"`") {
				t.Errorf("nothing is said of the field %s", field)
			}
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(text, -1) {
		file, _, _ := strings.Cut(link[1], "#")
		if _, err := os.Stat("../../docs/" + file); err != nil {
			t.Error(err)
		}
	}
}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
