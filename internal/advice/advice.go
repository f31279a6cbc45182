package advice

import (
	"slices"
	"sync"
)

// Text is one sentence in both languages.
type Text struct{ Chinese, English string }

// In returns the sentence in a language: Chinese for "zh", else English.
func (t Text) In(language string) string {
	if language == "zh" {
		return t.Chinese
	}
	return t.English
}

// Advice is one row: a symptom and its fix.
type Advice struct {
	// ID is the row's name, such as "allowlist". It does not change.
	ID string
	// Codes are WeChat's error codes that the row explains.
	Codes []int
	// Symptom is what an operator or a visitor sees.
	Symptom Text
	// Fix is what to do. It is the same for every gateway: it contains no
	// value of a configuration.
	Fix Text
}

// Unknown is the row of error codes that have none of their own.
const Unknown = "unknown-code"

// All returns the rows in the order of docs/troubleshooting.md and
// docs/troubleshooting.zh-CN.md.
func All() []Advice {
	return slices.Concat(visitorRows, codeRows, setupRows, serverRows, redisRows, machineRows)
}

// index finds rows by ID and by code. The table does not change.
var index = sync.OnceValue(func() (all struct {
	byID   map[string]Advice
	byCode map[int]Advice
},
) {
	all.byID, all.byCode = make(map[string]Advice), make(map[int]Advice)
	for _, row := range All() {
		all.byID[row.ID] = row
		for _, code := range row.Codes {
			all.byCode[code] = row
		}
	}
	return all
})

// ByID returns the row with this ID; false if there is none.
func ByID(id string) (Advice, bool) {
	row, ok := index().byID[id]
	return row, ok
}

// OfCode returns the row of WeChat's error code, that of [Unknown] if the code
// has none. 0 is no error: it has no row.
func OfCode(code int) (Advice, bool) {
	if code == 0 {
		return Advice{}, false
	}
	if row, ok := index().byCode[code]; ok {
		return row, true
	}
	return ByID(Unknown)
}

// FixOfCode returns what to do about WeChat's error code, in English, for the
// log; "" for 0.
func FixOfCode(code int) string {
	row, _ := OfCode(code)
	return row.Fix.English
}
