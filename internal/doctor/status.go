package doctor

import "github.com/caddy-wechat/gateway/internal/advice"

// Status is the outcome of a check. A higher one is worse.
type Status int

// The outcomes.
const (
	Pass    Status = iota // all is well
	Unknown               // the check could not be made
	Warning               // it works, and should be changed
	Failure               // it does not work
)

// statuses are the words of each outcome: for JSON, and for people.
var statuses = [...]struct {
	name string
	word advice.Text
}{
	Pass:    {"pass", advice.Text{Chinese: "通过", English: "pass"}},
	Unknown: {"unknown", advice.Text{Chinese: "未知", English: "unknown"}},
	Warning: {"warning", advice.Text{Chinese: "警告", English: "warning"}},
	Failure: {"failure", advice.Text{Chinese: "失败", English: "failure"}},
}

// String returns the name of s, as JSON has it.
func (s Status) String() string { return statuses[s].name }

// MarshalText returns the name of s.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// In returns the word for s in a language, "zh" or "en".
func (s Status) In(language string) string { return statuses[s].word.In(language) }

// ExitCode is the exit status of a program whose worst outcome is s: 0 for
// pass, 1 for failure, 2 for warning and unknown.
func (s Status) ExitCode() int {
	switch s {
	case Pass:
		return 0
	case Failure:
		return 1
	default:
		return 2
	}
}
