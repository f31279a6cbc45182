package gate

// Waiting is how many ends are kept, for the tests from outside.
func (u *UnfinishedEnds) Waiting() int { return int(u.n.Load()) }
