package health

import "time"

// Details is what operators read: the answer of GET /wechat/ready, which
// docs/health.md describes. Fields may be added; none changes its meaning.
type Details struct {
	Ready    bool                 `json:"ready"`
	Parts    map[Part]PartDetails `json:"parts"`
	WeChat   WeChatDetails        `json:"wechat"`
	Store    StoreDetails         `json:"store"`
	Warnings []Warning            `json:"warnings"`
}

// PartDetails is one part. Times are in UTC.
type PartDetails struct {
	State     State     `json:"state"`
	Since     time.Time `json:"since"`
	Checked   time.Time `json:"checked"`
	LatencyMS float64   `json:"latency_ms"`
	Error     string    `json:"error,omitempty"`
}

// WeChatDetails is WeChat's last answer. At is nil before the first call.
type WeChatDetails struct {
	State State      `json:"state"`
	Call  string     `json:"call,omitempty"`
	At    *time.Time `json:"at,omitempty"`
	Error string     `json:"error,omitempty"`
}

// StoreDetails is the kind of the store, whether it keeps its data across a
// restart, and when its ledger took the place of another one; nil if it did
// not, or more than a week ago.
type StoreDetails struct {
	Kind        string      `json:"kind"`
	Persistence Persistence `json:"persistence"`
	Replaced    *time.Time  `json:"replaced,omitempty"`
}

// Persistence says where a store keeps its data.
type Persistence string

// The values of Persistence.
const (
	OnDisk             Persistence = "disk"
	InMemoryOnly       Persistence = "none"
	PersistenceUnknown Persistence = "unknown"
)

// Warning is something that an operator should change although the gateway is
// ready.
type Warning struct {
	Name    string `json:"warning"`
	Message string `json:"message"`
}

// noPersistence warns of a store that forgets everything.
var noPersistence = Warning{
	Name: "no_persistence",
	Message: "Redis keeps nothing on disk (its persistence is off): after a restart every person gets a new X-Wechat-User, " +
		"every visitor must sign in again, and waiting events are lost. Set appendonly yes",
}

// ledgerReplaced warns of a ledger that is another one than before.
var ledgerReplaced = Warning{
	Name: "ledger_replaced",
	Message: "The ledger is another one than before: persons of before are unknown here, and get a new X-Wechat-User. " +
		"If it was lost, stop the gateway and restore the backup; if you replaced it on purpose, nothing is to be done",
}

// NewDetails puts together what operators read.
func NewDetails(r Report, w WeChat, s StoreDetails) Details {
	d := Details{Ready: r.Ready(), Parts: make(map[Part]PartDetails, len(r)), Store: s, Warnings: []Warning{}}
	for _, result := range r {
		d.Parts[result.Part] = PartDetails{
			State: result.State, Since: result.Since.UTC(), Checked: result.At.UTC(),
			LatencyMS: float64(result.Took.Microseconds()) / 1000, Error: text(result.Err),
		}
	}
	d.WeChat = WeChatDetails{State: w.State, Call: w.Call, Error: text(w.Err)}
	if !w.At.IsZero() {
		at := w.At.UTC()
		d.WeChat.At = &at
	}
	if s.Persistence == InMemoryOnly {
		d.Warnings = append(d.Warnings, noPersistence)
	}
	if s.Replaced != nil {
		d.Warnings = append(d.Warnings, ledgerReplaced)
	}
	return d
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
