package site

// Decision is what the gateway did with a request, for metrics. Each request
// has one.
type Decision uint8

// The decisions. Their texts are in [Decision.String].
const (
	DecidedPass Decision = iota
	DecidedPassAnonymous
	DecidedBegin
	DecidedAskConsent
	DecidedRefuse
	DecidedRefuseWrite
	DecidedExplainOutside
	DecidedExplainCookies
	DecidedShowScan
	DecidedKeepForm
	DecidedRefuseToken
	DecidedRefuseSocket
	DecidedTicket
	DecidedEndpoint
	DecidedBadHost
	DecidedStoreUnavailable
	DecidedNotReady
	DecidedNotAllowed
	DecidedFollowUnknown

	decisions // their number
)

// String returns the decision's text.
func (d Decision) String() string {
	return [decisions]string{
		"pass", "pass_anonymous", "begin", "ask_consent", "refuse", "refuse_write", "explain_outside", "explain_cookies",
		"show_scan", "keep_form", "refuse_token", "refuse_socket", "ticket", "endpoint", "bad_host", "store_unavailable", "not_ready",
		"not_allowed", "follow_unknown",
	}[d]
}

// Decide counts a decision.
func (c *Counts) Decide(d Decision) {
	if c != nil {
		c.decisions[d].Inc() // an index and no table: this is on the way of every request
	}
}

// EachDecision calls fn with the text and the number of each decision.
func (c *Counts) EachDecision(fn func(text string, n uint64)) {
	for d := range decisions {
		fn(d.String(), c.decisions[d].Load())
	}
}
