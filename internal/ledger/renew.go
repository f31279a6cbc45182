package ledger

// Renew returns what an answer of WeChat without a visit changes in the person
// who has its openid, nil for none. ErrNotFound: there is no such person, or
// the person has not consented (any more).
func (s *Observation) Renew(p *Person) (c Change, err error) {
	if p == nil {
		return Change{}, ErrNotFound
	}
	i := p.account(s.AppID, s.OpenID)
	if i < 0 || p.Accounts[i].ConsentAt.IsZero() {
		return Change{}, ErrNotFound
	}
	c = Change{Person: p.Clone()}
	q := &c.Person
	c.News = q.take(s.Profile, s.At)
	if s.Profile != nil {
		q.ProfileAt, c.Dirty = later(q.ProfileAt, s.At), true
	}
	c.Dirty = q.Accounts[i].takeSealed(s) || c.Dirty
	if c.News {
		q.Version++
	}
	return c, nil
}
