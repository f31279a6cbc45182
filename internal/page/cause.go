package page

// Cause says why a form was not sent, or why a page is shown again. It selects
// the words of SignInExpired and Follow: texts.json has them under keys that
// end in it, such as title_consent.
type Cause string

// NotYet is the cause of a Follow page for a visitor who was asked about again.
const NotYet Cause = "again"

// The causes of SignInExpired. The zero value is that the session has ended.
const (
	ConsentMissing Cause = "consent"    // the session is alive, but the form needs more consent
	TooLarge       Cause = "large"      // the form is too large to be kept during a sign-in
	Incomplete     Cause = "incomplete" // the form is broken, or has not arrived in time
)
