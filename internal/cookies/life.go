package cookies

import "time"

// How long lasts what our cookies tie to a browser, or tell of it. Their holders ask
// the same.
const (
	LandingLife = time.Minute      // a landing counts
	FlowLife    = 10 * time.Minute // a visitor may take on WeChat's side
	DeclineLife = 24 * time.Hour   // a decline is remembered before asking again
	ReceiptLife = 23 * time.Hour   // a logout can be completed; the ledger knows for as long what it was told
	TicketLife  = time.Minute      // a ticket is good
	ScanLife    = 2 * time.Minute  // a code on a screen is good
	ScanGrace   = 15 * time.Second // for a browser to hear of an answer at the last moment
	foreignLife = 10 * time.Minute // a session or a sign-in that no key opens counts
)
