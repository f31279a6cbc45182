package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// OpenAPI is docs/openapi.yaml. The tests of package caddymodule_test use it,
// too.
type OpenAPI struct {
	OpenAPI string `yaml:"openapi"`
	Info    struct {
		Title, Version, Description string
		License                     map[string]string
	}
	Servers    []map[string]string
	Paths      map[string]OpenAPIPath
	Components struct {
		Responses map[string]OpenAPIResponse
		Schemas   map[string]any
	}

	compiler *jsonschema.Compiler
}

// OpenAPIPath is the calls of one path.
type OpenAPIPath struct {
	Parameters              []OpenAPIParameter
	Get, Post, Delete, Head *OpenAPICall
}

// OpenAPICall is one call.
type OpenAPICall struct {
	OperationID string `yaml:"operationId"`
	Summary     string
	Description string
	Parameters  []OpenAPIParameter
	RequestBody any `yaml:"requestBody"`
	Responses   map[string]OpenAPIResponse
}

// OpenAPIParameter is a parameter of a call.
type OpenAPIParameter struct {
	Name, In, Description string
	Required              bool
	Schema                any
}

// OpenAPIResponse is an answer. Ref names one of the components.
type OpenAPIResponse struct {
	Ref         string `yaml:"$ref"`
	Description string
	Content     map[string]struct{ Schema any }
}

// ReadOpenAPI reads docs/openapi.yaml, once. A key that the types above do not
// have is an error.
var ReadOpenAPI = sync.OnceValues(func() (*OpenAPI, error) {
	text, err := os.ReadFile("../docs/openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc := new(OpenAPI)
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(doc); err != nil {
		return nil, err
	}
	var all any
	if err := yaml.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	schemas, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return nil, err
	}
	closeObjects(schemas)
	doc.compiler = jsonschema.NewCompiler()
	doc.compiler.DefaultDraft(jsonschema.Draft2020)
	doc.compiler.AssertFormat()
	return doc, doc.compiler.AddResource(openAPIFile, schemas)
})

const openAPIFile = "file:///openapi.yaml"

// closeObjects makes every schema with properties refuse others: an answer must
// not have a field that the document does not have. For readers the document is
// open, because fields may be added.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok {
			v["unevaluatedProperties"] = false
		}
		for _, inner := range v {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range v {
			closeObjects(inner)
		}
	}
}

// Calls returns the calls of a path by method.
func (p *OpenAPIPath) Calls() map[string]*OpenAPICall {
	calls := map[string]*OpenAPICall{http.MethodGet: p.Get, http.MethodPost: p.Post, http.MethodDelete: p.Delete, http.MethodHead: p.Head}
	maps.DeleteFunc(calls, func(_ string, c *OpenAPICall) bool { return c == nil })
	return calls
}

// Words returns the words of the refusals that a call lists.
func (o *OpenAPI) Words(c *OpenAPICall) []string {
	var words []string
	for _, r := range c.Responses {
		if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
			r = o.Components.Responses[name]
		}
		for _, content := range r.Content {
			words = append(words, wordsOf(content.Schema)...)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// wordsOf returns the words that a schema allows for the error of a refusal.
func wordsOf(schema any) (words []string) {
	m, _ := schema.(map[string]any)
	if properties, ok := m["properties"].(map[string]any); ok {
		if refusal, ok := properties["error"].(map[string]any); ok && m["$ref"] == "#/components/schemas/Refusal" {
			for _, word := range refusal["enum"].([]any) {
				words = append(words, word.(string))
			}
		}
	}
	if alternatives, ok := m["oneOf"].([]any); ok {
		for _, inner := range alternatives {
			words = append(words, wordsOf(inner)...)
		}
	}
	return words
}

// Everywhere are the refusals that no call lists, because each call has them, or
// no call at all.
var Everywhere = []string{string(unknownCall), string(methodNotAllowed), string(internalError)}

// Find returns the path of the document that a request is for, "" for none. path
// is escaped.
func (o *OpenAPI) Find(path string) string {
	asked := strings.Split(path, "/")
	for _, pattern := range slices.Sorted(maps.Keys(o.Paths)) { // a fixed part sorts before a parameter
		if fits(strings.Split(pattern, "/"), asked) {
			return pattern
		}
	}
	return ""
}

// fits reports whether the parts of a path fit those of a pattern.
func fits(pattern, asked []string) bool {
	if len(pattern) != len(asked) {
		return false
	}
	for i, part := range pattern {
		if strings.HasPrefix(part, "{") && asked[i] != "" {
			continue
		}
		if part != asked[i] {
			return false
		}
	}
	return true
}

// Check reports an answer that the document does not have.
func (o *OpenAPI) Check(method, path string, status int, contentType string, body []byte) error {
	path, _, _ = strings.Cut(path, "?")
	pattern := o.Find(path)
	item := o.Paths[pattern]
	call := item.Calls()[method]
	if call == nil || status == http.StatusMethodNotAllowed || status == http.StatusInternalServerError {
		return o.validate("#/components/schemas/Refusal", body)
	}
	answer, ok := call.Responses[fmt.Sprint(status)]
	if !ok {
		return fmt.Errorf("%s %s does not list the status %d", method, pattern, status)
	}
	pointer := "#/paths/" + escaped(pattern) + "/" + strings.ToLower(method) + "/responses/" + fmt.Sprint(status)
	if name, ok := strings.CutPrefix(answer.Ref, "#/components/responses/"); ok {
		answer, pointer = o.Components.Responses[name], answer.Ref
	}
	if len(answer.Content) == 0 || method == http.MethodHead {
		if len(body) > 0 {
			return fmt.Errorf("%s %s has a body with the status %d", method, pattern, status)
		}
		return nil
	}
	if _, ok := answer.Content[contentType]; !ok {
		return fmt.Errorf("%s %s does not list %s for the status %d", method, pattern, contentType, status)
	}
	if contentType == "application/octet-stream" {
		return nil
	}
	pointer += "/content/" + escaped(contentType) + "/schema"
	if contentType != jsonLines {
		return o.validate(pointer, body)
	}
	for line := range bytes.Lines(body) {
		if err := o.validate(pointer, line); err != nil {
			return err
		}
	}
	return nil
}

// escaped returns a part of a JSON pointer.
func escaped(part string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(part)
}

var compiling sync.Mutex // a Compiler is for one goroutine

// validate checks a value against the schema at a pointer of the document.
func (o *OpenAPI) validate(pointer string, body []byte) error {
	compiling.Lock()
	schema, err := o.compiler.Compile(openAPIFile + pointer)
	compiling.Unlock()
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the answer is not JSON: %w", err)
	}
	return schema.Validate(value)
}
