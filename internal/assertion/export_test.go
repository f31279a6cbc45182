package assertion

// Kept is how many statements a signer keeps.
func (s *Signer) Kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.statements)
}
