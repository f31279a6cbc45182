package cookies

import "time"

// The lifetimes of our cookies, and of what they stand for.
const (
	LandingLife       = time.Minute      // how long a landing counts
	FlowLife          = 10 * time.Minute // how long a visitor may take at WeChat
	DeclineLife       = 24 * time.Hour   // how long a decline is remembered
	PendingLogoutLife = 23 * time.Hour   // how long a logout can be completed; the ledger remembers event ids as long
	TicketLife        = time.Minute      // how long a ticket is valid
	ScanLife          = 2 * time.Minute  // how long a code on a screen is valid
	ScanGrace         = 15 * time.Second // extra time to read an answer given at the last moment
	foreignLife       = 10 * time.Minute // how long a session or sign-in that no key opens counts
)
