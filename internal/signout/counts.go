package signout

import "github.com/caddy-wechat/gateway/internal/audit"

// Why a session ended before its time, beside [audit.ReasonVisitor] and
// [audit.ReasonUpstream].
const (
	CountReplaced    = "replaced"     // the same person signed in again in this browser
	CountOtherPerson = "other_person" // another session was made in this browser
	CountPush        = "push"         // WeChat reported a withdrawal
	CountOperator    = "operator"     // by an operator
	CountBanned      = "banned"       // an operator banned the person
)

// CountReasons returns the reasons by which ended sessions are counted.
func CountReasons() []string {
	return []string{audit.ReasonVisitor, audit.ReasonUpstream, CountReplaced, CountOtherPerson, CountPush, CountOperator, CountBanned}
}

// count counts the end of the session. A reason that is not in the list is not
// counted (attack: a sealed logout of an older gateway names its own).
func (e *Ending) count() {
	reason := e.reason
	if e.silent {
		reason = CountOtherPerson
	}
	e.ends.Counts.Of(reason).Inc()
}
