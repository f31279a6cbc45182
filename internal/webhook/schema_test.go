package webhook

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// schema checks values by a JSON Schema, with the few keywords that ours uses.
// Any other is an error: a test must not pass because a rule was not
// understood.
type schema map[string]any

var annotations = []string{"$schema", "$defs", "title", "description"}

func readSchema(t *testing.T) schema {
	t.Helper()
	text, err := os.ReadFile("../../docs/webhook.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// check returns what is wrong with v, "" if nothing.
func (s schema) check(rules, v any, at string) string {
	for keyword, rule := range rules.(map[string]any) {
		if slices.Contains(annotations, keyword) {
			continue
		}
		apply, ok := keywords[keyword]
		if !ok {
			return "the schema uses " + keyword
		}
		if fault := apply(s, rule, v, at); fault != "" {
			return fault
		}
	}
	return ""
}

var keywords map[string]func(s schema, rule, v any, at string) string

func init() {
	keywords = map[string]func(s schema, rule, v any, at string) string{
		"$ref":       schema.ref,
		"oneOf":      schema.oneOf,
		"properties": schema.properties,
		"items":      schema.items,
		"required":   schema.required,
		"type":       func(_ schema, rule, v any, at string) string { return must(typeOf(v) == rule, at, "type") },
		"const":      func(_ schema, rule, v any, at string) string { return must(v == rule, at, "const") },
		"enum": func(_ schema, rule, v any, at string) string {
			return must(slices.Contains(rule.([]any), v), at, "enum")
		},
		"pattern": func(_ schema, rule, v any, at string) string {
			return must(regexp.MustCompile(rule.(string)).MatchString(v.(string)), at, "pattern")
		},
		"minLength": func(_ schema, rule, v any, at string) string {
			return must(len(v.(string)) >= int(rule.(float64)), at, "minLength")
		},
		"maxLength": func(_ schema, rule, v any, at string) string {
			return must(len(v.(string)) <= int(rule.(float64)), at, "maxLength")
		},
		"maxItems": func(_ schema, rule, v any, at string) string {
			return must(len(v.([]any)) <= int(rule.(float64)), at, "maxItems")
		},
		"format": func(_ schema, rule, v any, at string) string {
			_, err := time.Parse(time.RFC3339, v.(string))
			return must(rule == "date-time" && err == nil, at, "format")
		},
	}
}

func must(ok bool, at, keyword string) string {
	if ok {
		return ""
	}
	return fmt.Sprintf("%s breaks %s", at, keyword)
}

func typeOf(v any) any {
	switch v.(type) {
	case string:
		return "string"
	case float64:
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return nil
}

func (s schema) ref(rule, v any, at string) string {
	name := strings.TrimPrefix(rule.(string), "#/$defs/")
	target, ok := s["$defs"].(map[string]any)[name]
	if !ok {
		return "the schema lacks " + name
	}
	return s.check(target, v, at)
}

func (s schema) oneOf(rule, v any, at string) string {
	var faults []string
	for _, one := range rule.([]any) {
		if fault := s.check(one, v, at); fault != "" {
			faults = append(faults, fault)
		}
	}
	return must(len(faults) == len(rule.([]any))-1, at, "oneOf: "+strings.Join(faults, ", "))
}

func (s schema) properties(rule, v any, at string) string {
	known := rule.(map[string]any)
	for name, value := range v.(map[string]any) {
		rules, ok := known[name]
		if !ok && strings.HasSuffix(at, "data") {
			return at + "." + name + " is sent, but not described" // stricter than the schema, which lets fields be added
		}
		if ok {
			if fault := s.check(rules, value, at+"."+name); fault != "" {
				return fault
			}
		}
	}
	return ""
}

func (s schema) items(rule, v any, at string) string {
	for _, one := range v.([]any) {
		if fault := s.check(rule, one, at); fault != "" {
			return fault
		}
	}
	return ""
}

func (s schema) required(rule, v any, at string) string {
	for _, name := range rule.([]any) {
		if _, ok := v.(map[string]any)[name.(string)]; !ok {
			return at + " lacks " + name.(string)
		}
	}
	return ""
}
