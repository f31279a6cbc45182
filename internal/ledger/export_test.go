package ledger

// Check is check, for the contract suite.
func (b *Bolt) Check() error { return b.check() }
