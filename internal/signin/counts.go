package signin

import (
	"errors"

	"github.com/caddy-wechat/gateway/internal/counters"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Counts counts sign-ins. Labels are names of accounts in the configuration and
// words of this package: nothing of a visitor. A nil Counts counts nothing. It
// must not be copied.
type Counts struct {
	Begun    counters.Table[counters.Counter] // by account and way
	Ended    counters.Table[counters.Counter] // by account, way and end
	Sessions counters.Table[counters.Counter] // new ones, by account
	StepUps  counters.Table[counters.Counter] // by account and step
}

// Step is a step of a signed-in visitor's way to consent.
type Step string

// The steps.
const (
	StepAsked    Step = "asked"    // our page was shown
	StepSent     Step = "sent"     // the browser was sent to WeChat's question
	StepGiven    Step = "given"    // the visitor has consented
	StepDeclined Step = "declined" // the visitor has declined
)

// AddAccount adds the rows of an account.
func (c *Counts) AddAccount(a wechat.Account) {
	name := []string{a.Name}
	ways := words(Ways(a.Kind))
	c.Begun.Add(name, ways)
	c.Ended.Add(name, ways, words(Finishes()))
	c.Sessions.Add(name)
	if a.Kind == wechat.OfficialAccount {
		c.StepUps.Add(name, words([]Step{StepAsked, StepSent, StepGiven, StepDeclined}))
	}
}

func words[S ~string](all []S) []string {
	texts := make([]string, len(all))
	for i, word := range all {
		texts[i] = string(word)
	}
	return texts
}

// Begin counts the beginning of a sign-in.
func (c *Counts) Begin(account string, way Way) {
	if c != nil {
		c.Begun.Of(account, string(way)).Inc()
	}
}

// End counts the end of a sign-in.
func (c *Counts) End(account string, way Way, how Finish) {
	if c != nil {
		c.Ended.Of(account, string(way), string(how)).Inc()
	}
}

// Step counts a step to consent.
func (c *Counts) Step(account string, step Step) {
	if c != nil {
		c.StepUps.Of(account, string(step)).Inc()
	}
}

// made counts a new session.
func (c *Counts) made(account string) {
	if c != nil {
		c.Sessions.Of(account).Inc()
	}
}

// countedError marks the error of a sign-in that is counted: several hits, and
// later repetitions, get the same error.
type countedError struct{ error }

// Unwrap implements errors.Unwrap.
func (e countedError) Unwrap() error { return e.error }

// run counts a sign-in that ran once for all its hits. It returns err, marked
// as counted.
func (c *Counts) run(account string, way Way, o Outcome, err error) error {
	if way.beginsWithCode() {
		c.Begin(account, way)
	}
	c.End(account, way, FinishOf(o, err))
	if err == nil {
		return nil
	}
	return countedError{err}
}

// notRun counts the sign-in of a hit that failed before it ran.
func (c *Counts) notRun(account string, way Way, err error) {
	if err == nil || errors.As(err, new(countedError)) {
		return
	}
	if way.beginsWithCode() {
		c.Begin(account, way)
	}
	c.End(account, way, FinishOf(Outcome{}, err))
}
