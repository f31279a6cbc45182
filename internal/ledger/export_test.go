package ledger

// Check is check, for the contract suite.
func (b *Bolt) Check() error { return b.check() }

// WithoutSync makes tests fast where what the disk has does not matter.
func (b *Bolt) WithoutSync() { b.db.NoSync = true }
